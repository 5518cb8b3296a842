"""One message of inputs that one worker runs: whose answers come in, and who is to blame when
the worker is lost. Decisions only: it does no I/O and knows no time but what it is told.

Who drives it sends the message, receives frames and kills: `runtime.sandbox.batch` blocking,
`runtime.sandbox.pool` on an event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from runtime.sandbox import protocol
from runtime.sandbox.protocol import Answer, Failure, Kind, ProtocolError

MAX_DEATHS = 2  # whatever kills a worker as often is no accident


class Overrun(Failure, array_like=True):
    """The failure of an input that ran past its limit by the parent's clock."""


class Item(Protocol):
    """An input on its way: how often a worker was lost while it ran."""

    deaths: int


ItemT = TypeVar("ItemT", bound=Item)


class Attempt(Generic[ItemT]):
    """Some items that one worker was asked to run, in this order.

    The worker says in shared memory which position (from 1) it runs since when, but is believed
    only where this side's clock agrees and while the position grows: whatever it says or sends,
    `len(items)` limits are the end. Times are in seconds of the monotonic clock.
    """

    def __init__(self, items: Sequence[ItemT], limit: float, now: float) -> None:
        self.items = items
        #: What the worker says its items took, in seconds.
        self.run_time = 0.0
        #: Whether the worker wants replacing.
        self.spent = False
        self._limit = limit
        self._answered = 0
        self._seen = 0
        self._position = 0
        self._since = now
        self._kept: int | None = None

    def take(self, kind: Kind, data: bytes) -> tuple[Sequence[ItemT], Sequence[Answer]]:
        """The items that a frame answers, and their answers. Raises ProtocolError."""
        if kind is not Kind.RESULTS:
            raise ProtocolError(f"expected RESULTS, got {kind.name}")
        results = protocol.decode(data, protocol.Results)
        answers = results.answers
        first = self._seen
        seen = first + len(answers)
        if results.left and self._kept is None:
            raise ProtocolError("it left inputs out unasked")
        if seen + results.left > len(self.items):
            raise ProtocolError("more answers than inputs")
        kept = self._kept
        if kept is not None and results.left and seen <= kept:
            raise ProtocolError("it left out the input it was running")
        self._seen = seen + results.left
        self.spent = results.spent
        self.run_time += sum([answer.latency_us for answer in answers]) / 1e6
        if kept is None:
            self._answered = seen
            return self.items[first:seen], answers
        if first <= kept < seen:
            self._answered = kept + 1
            return self.items[kept : kept + 1], answers[kept - first : kept - first + 1]
        return (), ()

    @property
    def is_over(self) -> bool:
        """Whether the worker has nothing left to do of it."""
        return self._seen >= len(self.items)

    def unanswered(self) -> Sequence[ItemT]:
        """The items that are still this attempt's to answer."""
        if self._kept is not None:
            return self.items[max(self._kept, self._answered) : self._kept + 1]
        return self.items[self._answered :]

    def observe(self, position: int, started: float, now: float) -> None:
        """Note what the worker says it runs, and since when."""
        if self._position < position <= len(self.items):
            self._position = position
            self._since = min(max(started, self._since), now)

    def left(self, now: float) -> float:
        """Seconds until the item that runs, as last observed, is over its time."""
        return self._since + self._limit - now

    def stands_since(self) -> float:
        """Since when the item that runs has been running, as last observed."""
        return self._since

    def give_away(self) -> Sequence[ItemT]:
        """Keep the item that runs, and return every other that has no answer here yet."""
        if self._kept is not None:
            return ()
        at = self._running(self._position)
        self._kept = at
        return [*self.items[self._answered : at], *self.items[at + 1 :]]

    def blame(
        self, position: int, error: Exception, *, accident: bool
    ) -> tuple[ItemT, Answer] | None:
        """The item that a lost worker is to be blamed on, and its answer; None when all that are
        unanswered may run again. An `accident` (its parent was lost too) is nobody's fault."""
        if not self.unanswered():
            return None
        item = self.items[self._running(position)]
        if isinstance(error, TimeoutError):
            limit = self._limit * 1000
            failure = Overrun("TimeoutError", f"ran over its limit of {limit:g} ms")
            return item, Answer(limit * 1000, failure=failure)
        if not isinstance(error, ProtocolError):
            if accident:
                return None
            item.deaths += 1
            if item.deaths < MAX_DEATHS:
                return None
        return item, failed("WorkerLost", f"the worker process was lost: {error}")

    def _running(self, position: int) -> int:
        if self._kept is not None:
            return self._kept
        return min(max(position - 1, self._answered), len(self.items) - 1)


def failed(kind: str, message: str, line: int | None = None) -> Answer:
    """The answer to an input that was never run to its end."""
    return Answer(0.0, failure=Failure(kind, message[: protocol.MAX_TEXT], line))


def cut(sizes: Sequence[int], most: int, most_bytes: int) -> int:
    """How many of the first items one message takes: at least one, however large it is."""
    total = 0
    for count, size in enumerate(sizes[:most]):
        total += size
        if total > most_bytes and count:
            return count
    return min(len(sizes), most)


def is_overrun(failure: Any) -> bool:
    """Whether a failure is this side's verdict that the input ran too long."""
    return type(failure) is Overrun
