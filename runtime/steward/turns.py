"""Which observers may be asked now: one that has failed waits, longer each time, then tries again.

It also remembers what each failed with, for people to see.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FIRST_DELAY = 0.5
MAX_DELAY = 60.0

logger = logging.getLogger("loopai.steward")


@dataclass
class Failure:
    """An observer that is failing: with what, how often in a row, and when it is asked again."""

    message: str
    count: int = 0
    again_at: float = 0.0


class Turns:
    """The failures of all observers, by observer and task; "" stands for `tick`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failing: dict[tuple[str, str], Failure] = {}
        self._resting: dict[tuple[str, str], float] = {}
        #: Failures of each observer since the start.
        self.errors: dict[str, int] = {}

    def able(self, observers: Iterable[str], task: str) -> list[str]:
        """Those that may be asked about a task now."""
        return [name for name in observers if self.may(name, task)]

    def may(self, observer: str, task: str = "") -> bool:
        failing = self._failing.get((observer, task))
        return failing is None or failing.again_at <= self._monotonic()

    def rest(self, observer: str, task: str, seconds: float) -> None:
        """Do not ask an observer that has read everything for a while."""
        self._resting[observer, task] = self._monotonic() + seconds

    def rests(self, observer: str, task: str) -> bool:
        """Whether an observer rests now."""
        return self._resting.get((observer, task), 0.0) > self._monotonic()

    def failed(self, observer: str, task: str, error: Exception) -> None:
        """Note a failure. The first of a row is logged with its traceback."""
        key = (observer, task)
        message = f"{type(error).__name__}: {error}"
        failure = self._failing.setdefault(key, Failure(message))
        failure.message = message
        failure.count += 1
        delay = min(MAX_DELAY, FIRST_DELAY * 2 ** min(failure.count - 1, 20))
        failure.again_at = self._monotonic() + delay
        self.errors[observer] = self.errors.get(observer, 0) + 1
        of = f" on {task}" if task else ""
        logger.error(
            "%s failed%s, asked again in %.1f s: %s",
            observer,
            of,
            delay,
            message,
            exc_info=error if failure.count == 1 else None,
        )

    def went_well(self, observer: str, task: str = "") -> None:
        """Note a success, which ends a row of failures."""
        if self._failing.pop((observer, task), None) is not None:
            logger.info("%s works again%s", observer, f" on {task}" if task else "")

    def failing(self) -> list[dict[str, object]]:
        """Who fails now: observer, task, error and how often in a row."""
        return [
            {
                "observer": name,
                "task": task or None,
                "error": failure.message,
                "times": failure.count,
            }
            for (name, task), failure in sorted(self._failing.items())
        ]
