"""A caller that sends without end, sees servers come and go, and remembers every answer."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

JUNK = ("green", "report", "lunch", "monday", "garden", "invoice", "walk", "train", "paper")
BATCH = 30


def message(number: int, drifted: bool) -> str:
    """A text that no other number has. Drifted traffic has spam of a new kind."""
    words = [JUNK[number * step % len(JUNK)] for step in (1, 2, 4, 5)]
    kinds = ("buy", "meet", "jackpot", "jackpot") if drifted else ("buy", "meet")
    return " ".join([*words[:2], kinds[number % len(kinds)], *words[2:], str(number)])


def right_answer(text: str) -> str:
    return "spam" if "buy" in text or "jackpot" in text else "ham"


class Traffic:
    """Batches of JSON lines, one after the other, from a thread; `url` may change any time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.drifted = False
        #: Executions that were answered, by id: the version that did and whether it was right.
        self.answered: dict[str, tuple[int, bool]] = {}
        #: What no server may do, in words.
        self.violations: list[str] = []
        self.lost_batches = 0
        self._number = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def by_version(self) -> Counter[int]:
        return Counter(version for version, _ in list(self.answered.values()))

    def wrong(self) -> Counter[int]:
        return Counter(version for version, right in list(self.answered.values()) if not right)

    def _send(self) -> None:
        with httpx.Client(timeout=20) as http:
            while not self._stop.is_set():
                texts = [message(self._number + n, self.drifted) for n in range(BATCH)]
                self._number += BATCH
                try:
                    self._batch(http, texts)
                except httpx.TransportError:
                    self.lost_batches += 1
                self._stop.wait(0.1)

    def _batch(self, http: httpx.Client, texts: list[str]) -> None:
        body = "".join(json.dumps({"input": {"text": text}}) + "\n" for text in texts)
        headers = {"content-type": "application/x-ndjson"}
        waiting = iter(texts)
        rest = b""
        url = f"{self.url}/execute/batch"
        with http.stream("POST", url, content=body, headers=headers) as response:
            if response.status_code != 200:
                return
            for piece in response.iter_raw():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._note(json.loads(line), next(waiting))

    def _note(self, answer: dict, text: str) -> None:
        if "execution_id" not in answer or "output" not in answer:
            return  # refused while a server was ending
        name = answer["execution_id"]
        if name in self.answered:
            self.violations.append(f"{name} was answered twice")
        right = answer["output"] == right_answer(text)
        self.answered[name] = (answer["program_version"], right)


def first(pids: list[int], wanted: Callable[[str], bool]) -> int | None:
    """The first process whose command line is wanted."""
    for pid in pids:
        try:
            if wanted(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")):
                return pid
        except OSError:
            continue
    return None
