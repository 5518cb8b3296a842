"""Requests without a pause over several connections: each input is sent once and never again.

It speaks HTTP over plain sockets, so that it knows the very moment an answer begins to arrive and
sees every byte that comes, also one too many.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

HEAD = b"POST /execute HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
BODY = b'{"input": {"text": "%b %d %b"}}'
LENGTH = re.compile(rb"content-length: *(\d+)\r\n", re.IGNORECASE)
SECONDS_BETWEEN_TRIES = 0.02


@dataclass(frozen=True, slots=True)
class Answered:
    """One input that was answered: what the caller may rely on from then on."""

    number: int
    execution_id: str
    output: str | None


def output_of(number: int) -> str:
    """The right output: it differs between neighbours, so that a mix-up is noticed."""
    return "ham" if number % 2 else "spam"


class Load:
    """Asks a server that comes and goes; keeps what was answered."""

    def __init__(self, address: tuple[str, int], connections: int = 8) -> None:
        self.answered: list[Answered] = []
        #: Answers without an execution, by status.
        self.refused: Counter[int] = Counter()
        #: What no server may ever do, in words.
        self.violations: list[str] = []
        #: Bytes that make each input larger.
        self.padding = 0
        self._address = address
        self._numbers = count()
        self._stopping = threading.Event()
        self._begun = count()
        self._armed: tuple[int, Callable[[], None]] | None = None
        self._threads = [threading.Thread(target=self._ask) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def at_an_answer(self, skip: int, action: Callable[[], None]) -> None:
        """Call `action` when the first bytes of an answer are here, after `skip` others."""
        self._begun = count()
        self._armed = (skip, action)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stopping.is_set():
            try:
                with socket.create_connection(self._address, timeout=30) as connection:
                    while not self._stopping.is_set():
                        self._exchange(connection)
            except TimeoutError:
                self.violations.append("an input was not answered within 30 s")
            except OSError:
                self._stopping.wait(SECONDS_BETWEEN_TRIES)

    def _exchange(self, connection: socket.socket) -> None:
        number = next(self._numbers)
        padding = self.padding or (20_000 if number % 16 == 0 else 0)
        connection.sendall(_request(number, padding))
        received = b""
        while True:
            piece = connection.recv(65_536)
            if not piece:
                raise ConnectionError(f"closed after {received!r}")
            if not received:
                self._strike()
            received += piece
            head, found, content = received.partition(b"\r\n\r\n")
            length = LENGTH.search(head + b"\r\n")
            if found and length and len(content) >= int(length[1]):
                break
        status, length = int(head.split(b" ", 2)[1]), int(length[1])
        if len(content) > length:
            self.violations.append(f"input {number} was answered with more than one answer")
        answer = json.loads(content[:length])
        if "execution_id" in answer:
            output = answer.get("output")
            self.answered.append(Answered(number, answer["execution_id"], output))
        else:
            self.refused[status] += 1

    def _strike(self) -> None:
        armed = self._armed
        if armed is not None and next(self._begun) == armed[0]:
            self._armed = None
            armed[1]()


def _request(number: int, padding: int) -> bytes:
    body = BODY % (b"see" if number % 2 else b"buy", number, b"x" * padding)
    return HEAD % len(body) + body
