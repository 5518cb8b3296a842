"""How much of a synthesis is done, by what it tells of itself: for the time left of a first run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runtime.models import Strategy

#: Each strategy's usual share of the time, as on the sample tasks; the start takes its own.
SHARES = {Strategy.RULE: 0.5, Strategy.ML: 0.25, Strategy.HYBRID: 0.22, Strategy.DSL: 0.03}
START = 0.1
#: Of a strategy's time: how much has gone when what was made from one part is judged on the other.
JUDGED = 0.65

_TIMED = re.compile(r"\s*[0-9.]+ s  ")
_FOLD = re.compile(r"\(fold ([0-9]+) of ([0-9]+)\)$")
_ENDED = re.compile(r"% of [0-9]+ right$|^not used:")


def told(line: str) -> tuple[str, str]:
    """Who does what, of a line of progress such as `   1.2 s  rule: judging its rules`."""
    who, _, what = _TIMED.sub("", line, count=1).partition(": ")
    return who, what


class DoneShare:
    """Heard line by line. With a model nobody knows how many answers it will take."""

    def __init__(self, strategies: Iterable[str] = ()) -> None:
        named = [Strategy(name) for name in strategies] or list(Strategy)
        whole = sum(SHARES[name] for name in named)
        self._shares = {str(name): SHARES[name] / whole for name in named}
        self._done: dict[str, float] = {}
        self._known = True

    def hear(self, who: str, what: str) -> None:
        """Take note of one line."""
        if who in self._shares:
            self._done[who] = max(self._done.get(who, 0.0), _part(what))
        elif who != "run":
            self._known = False

    @property
    def share(self) -> float | None:
        """From 0 to 1; None while it cannot be told."""
        done = sum(self._shares[who] * part for who, part in self._done.items())
        return START + (1 - START) * done if self._known and done else None


def _part(what: str) -> float:
    """How much of one strategy is done when it says this."""
    if _ENDED.search(what):
        return 1.0
    if fold := _FOLD.search(what):
        number, folds = int(fold[1]), int(fold[2])
        # Making it from all examples in the end is as much as a fold.
        return (number if what.startswith("judging ") else number - 1) / (folds + 1)
    return JUDGED if what.startswith("judging ") or what.endswith("(from all examples)") else 0.0
