"""Whether a value that goes up and down is an alert: slow to be raised, slower to be cleared. Pure.

A level is raised once the value has stayed at or above it for the time to hold, and given up once
it has stayed below `clear_ratio` of it as long. What lies between changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runtime.alerts.settings import Levels

WELL, WARNING, CRITICAL = 0, 1, 2
NAMES = ("well", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alert stands: its level, and since when (seconds) the value wants another one."""

    level: int = WELL
    wanted: int = WELL
    wanted_since: float | None = None


def next_standing(
    standing: Standing, value: float | None, levels: Levels, now: float, hold: float, clear: float
) -> Standing:
    """The standing after seeing `value` at `now`; None (nothing can be said) wants it cleared."""
    wanted = _wanted(standing.level, value, levels, clear)
    if wanted == standing.level:
        return replace(standing, wanted=wanted, wanted_since=None)
    upwards = wanted > standing.level
    before = standing.wanted
    # Going on in the same direction keeps the time it began.
    same_way = standing.wanted_since is not None and (before > standing.level) == upwards
    since = standing.wanted_since if same_way and standing.wanted_since is not None else now
    since = min(since, now)  # a clock that was set back
    if now - since >= hold:
        return Standing(wanted)
    return Standing(standing.level, wanted, since)


def _wanted(level: int, value: float | None, levels: Levels, clear: float) -> int:
    if value is None:
        return WELL
    bounds = {WARNING: levels.warning, CRITICAL: levels.critical}
    reached = max(
        (number for number, bound in bounds.items() if bound is not None and value >= bound),
        default=WELL,
    )
    kept = max(
        (
            number
            for number, bound in bounds.items()
            if bound is not None and number <= level and value >= bound * clear
        ),
        default=WELL,
    )
    return max(reached, kept)
