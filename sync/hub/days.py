"""By which day an execution is kept, and of which days any are taken in.

It is known by tenant, day and id, and the day is that of its own time, which never changes: one
that comes again is found while its day is kept, and refused afterwards. Whoever changes the time
makes another execution, as whoever makes up an id does; both count for one's own tenant only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

#: How far a box's clock may be ahead: each day that is taken in may need a part of the table.
MOST_DAYS_AHEAD = 31


@dataclass(frozen=True, slots=True)
class KeptDays:
    """The days whose executions are taken in, as numbers such as 20261122, both included."""

    oldest: int
    newest: int
    keep_days: int | None

    def check(self, at: str) -> int:
        """The day of a time in RFC 3339. Raises ValueError, with the reason, for one that is not
        taken in."""
        day = day_of(at)
        if day > self.newest:
            raise ValueError(f"its time is over {MOST_DAYS_AHEAD} days ahead of the hub's clock")
        if day < self.oldest:
            raise ValueError(f"it is older than the {self.keep_days} days that are kept here")
        return day


def kept_days(keep_days: int | None, now: datetime) -> KeptDays:
    """As of a moment; `keep_days` None: however old."""
    newest = number_of(now.date() + timedelta(MOST_DAYS_AHEAD))
    oldest = 0 if keep_days is None else number_of(now.date() - timedelta(keep_days))
    return KeptDays(oldest, newest, keep_days)


def day_of(at: str) -> int:
    """The day of a time in RFC 3339 (UTC) as a number. Raises ValueError for no day at all."""
    return number_of(date.fromisoformat(at[:10]))


def number_of(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
