"""Sends one large batch as JSON lines over one connection, and counts what comes back."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

ROUTE = "/execute/batch"
RECEIVE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Batched:
    """One batch: executions a second from the first byte sent to the last one received."""

    rows: int
    answered: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def send_batch(url: str, rows: int) -> Batched:
    """Stream `rows` inputs and read the answers meanwhile; both sides are plain sockets."""
    place = urlsplit(url)
    lines = b"".join(
        b'{"input":{"text":"Buy %d of them now and get the next one for nothing!"}}\n' % number
        for number in range(rows)
    )
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nhost: {place.netloc}\r\n"
        f"content-type: application/x-ndjson\r\naccept: application/x-ndjson\r\n"
        f"connection: close\r\ncontent-length: {len(lines)}\r\n\r\n"
    )
    started = perf_counter()
    with socket.create_connection((place.hostname, place.port), timeout=120) as connection:
        connection.sendall(head.encode())
        sender = threading.Thread(target=connection.sendall, args=(lines,))
        sender.start()
        answered, first = 0, b""
        while data := connection.recv(RECEIVE_BYTES):
            first = first or data
            answered += data.count(b'"output":"spam"')
        sender.join()
    seconds = perf_counter() - started
    if not first.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"the batch was refused: {first[:500].decode(errors='replace')}")
    return Batched(rows, answered, seconds)
