"""What a supervised child process is, and what is known of one. Starts and ends nothing.

A child talks over a socket of its own: it sends `READY` when it may be relied on, and ends well
on SIGTERM, or when it gets `RETIRE`, which is SIGTERM with time for callers to move on.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

READY = b"ready"
RETIRE = b"retire"
# A child that lives so long has not crashed at its start: the next start is tried at once.
SECONDS_OF_A_GOOD_LIFE = 10.0
FIRST_DELAY = 0.1
MAX_DELAY = 30.0
# One that was ready did not fail to start: something killed it, and the port must be served.
MAX_DELAY_ONCE_READY = 1.0
# A child that has not given a sign of life for so long is killed.
STALL_SECONDS = 30.0
INFINITY = float("inf")


def nothing() -> None:
    """What is called where nobody wants to hear."""


@dataclass(frozen=True)
class ChildSpec:
    """What one child is. `run` gets the child's end of the socket and returns an exit code.

    `last_beat` gives the monotonic time of its last sign of life, 0 for none yet; `on_exit` is
    called in the parent whenever the child has ended.
    """

    name: str
    run: Callable[[socket.socket], int]
    says_ready: bool = True
    last_beat: Callable[[], float] = time.monotonic
    on_exit: Callable[[], None] = nothing


@dataclass(frozen=True)
class Plan:
    """The children there should be, and how long one may take to end, in seconds."""

    children: Sequence[ChildSpec]
    drain_seconds: float = 30.0


@dataclass(eq=False)
class Child:
    """A child as the supervisor knows it; `pid` is 0 while it does not run. Times monotonic."""

    spec: ChildSpec
    pid: int = 0
    control: socket.socket | None = None
    ready: bool = False
    retired: bool = False
    started: float = 0.0
    start_at: float = 0.0
    kill_at: float = INFINITY
    crashes: int = 0

    def crashed(self, now: float, *, was_ready: bool = False) -> float:
        """Note a crash; returns the seconds until it starts again, doubling in a crash loop."""
        lived = now - self.started if self.started else 0.0
        self.crashes = 1 if lived > SECONDS_OF_A_GOOD_LIFE else self.crashes + 1
        delay = 0.0
        if self.crashes > 1:
            longest = MAX_DELAY_ONCE_READY if was_ready and self.spec.says_ready else MAX_DELAY
            delay = min(longest, FIRST_DELAY * 2 ** min(self.crashes - 2, 20))
        self.start_at = now + delay
        return delay

    def has_stalled(self, now: float) -> bool:
        """Whether a child that was well has given no sign of life for too long."""
        return self.ready and now - max(self.started, self.spec.last_beat()) > STALL_SECONDS
