"""When to ask again, and how long to wait before. It sleeps nowhere itself."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from runtime.client.answers import Failure
from runtime.clock import utc_now


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` tries within `seconds`; 1 attempt means none is repeated.

    Only lost connections, 429 and 503 are tried again. The pause doubles from `first_pause` to
    `longest_pause` (seconds), half of it at random so that callers spread; a Retry-After that
    asks for more is honoured, and one that would end after `seconds` ends the trying at once.
    """

    attempts: int = 10
    seconds: float = 30.0
    first_pause: float = 0.1
    longest_pause: float = 2.0

    def begin(self) -> Attempts:
        """Count the tries of one request, from now on."""
        return Attempts(self)


@dataclass(slots=True)
class Attempts:
    """The tries of one request."""

    retries: Retries
    made: int = 0
    _started: float = field(default_factory=time.monotonic)

    def pause(self, failure: Failure) -> float | None:
        """Seconds to wait before the next try, or None when this failure stands."""
        self.made += 1
        if not failure.temporary or self.made >= self.retries.attempts:
            return None
        pause = min(self.retries.first_pause * 2.0 ** (self.made - 1), self.retries.longest_pause)
        pause *= random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, hides nothing
        pause = max(pause, seconds_to_wait(failure.retry_after))
        ends = time.monotonic() - self._started + pause
        return pause if ends <= self.retries.seconds else None


def seconds_to_wait(retry_after: str | None) -> float:
    """A Retry-After header (RFC 9110: seconds, or a date) in seconds; 0 for none or nonsense."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
        return max(0.0, seconds) if math.isfinite(seconds) else 0.0
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - utc_now()).total_seconds())
