"""A batch as the client sends it: groups of JSON lines, small enough to hold and to ask again.

Why groups: an HTTP/1.1 client sends a whole body before it reads the answer. With one endless
body the runtime, whose answers nobody reads, would stop reading, and both wait for ever. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runtime.client.answers import Execution, Failure, decode_answer
from runtime.client.errors import error_of
from runtime.client.retries import Attempts, Retries

GROUP = 1000
# Fits into the buffers on the way, so that sending it never has to wait for its answers.
MAX_GROUP_BYTES = 64_000
HEADERS = {"content-type": "application/x-ndjson"}
#: The failure of a runtime that ends its answer well before it has answered anything.
NOTHING_ANSWERED = Failure("about:blank", "No answer", 200, "The batch was answered with nothing.")


class Group:
    """Some inputs, as request lines, that are asked for together, and the answers so far."""

    def __init__(self, retries: Retries, size: int = GROUP) -> None:
        self._retries = retries
        self._size = size
        self._lines: list[bytes] = []
        self._bytes = 0
        self._answers: list[Execution | Failure | None] = []
        self._asked: list[int] = []
        self._taken = 0
        self._rest = b""
        self._attempts: Attempts | None = None
        self._gave_up = False

    def has_room(self, line: bytes) -> bool:
        """Whether `line` may be added; an empty group takes any."""
        if not self._lines:
            return True
        return len(self._lines) < self._size and self._bytes + len(line) < MAX_GROUP_BYTES

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self._answers.append(None)
        self._bytes += len(line) + 1

    def body(self) -> bytes:
        """The request for all that has no lasting answer yet; empty when everything has."""
        if self._attempts is None:
            self._attempts = self._retries.begin()
        self._asked = [n for n, answer in enumerate(self._answers) if not self._lasts(answer)]
        self._taken = 0
        self._rest = b""
        return b"".join(self._lines[number] + b"\n" for number in self._asked)

    def feed(self, data: bytes) -> None:
        """Take a piece of the response. Raises ValueError where it is no answer of a runtime."""
        # Not by str.splitlines: a line of JSON may hold what Unicode takes for a line end.
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._taken == len(self._asked):
                raise ValueError("more answers than inputs")
            self._answers[self._asked[self._taken]] = decode_answer(line)
            self._taken += 1

    def pause(self, failure: Failure | None) -> float:
        """Seconds to wait before asking for the rest, after a response that ended in `failure`.

        Raises ProblemError for a failure of the whole request that is not to be tried again;
        that of a single input stays in its place.
        """
        assert self._attempts is not None
        of_all = failure is not None or not self._taken
        failure = failure or (self._temporary() if self._taken else NOTHING_ANSWERED)
        if failure is None:
            return 0.0  # done, or cut short behind a line that was too long
        pause = self._attempts.pause(failure)
        if pause is None:
            if of_all:
                raise error_of(failure)
            self._gave_up = True
        return pause or 0.0

    def answers(self) -> Iterator[Execution | Failure]:
        """An answer for each input, in order, once nothing is left to ask for."""
        return (answer for answer in self._answers if answer is not None)

    def _temporary(self) -> Failure | None:
        for number in self._asked:
            answer = self._answers[number]
            if isinstance(answer, Failure) and answer.temporary:
                return answer
        return None

    def _lasts(self, answer: Execution | Failure | None) -> bool:
        if isinstance(answer, Failure):
            return self._gave_up or not answer.temporary
        return answer is not None


def in_groups(lines: Iterable[bytes], retries: Retries, size: int) -> Iterator[Group]:
    """All lines, in order, in as few groups as they fit into."""
    group = Group(retries, size)
    for line in lines:
        if not group.has_room(line):
            yield group
            group = Group(retries, size)
        group.add(line)
    yield group
