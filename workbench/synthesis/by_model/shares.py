"""How the budget of a run is shared out among its searches, each of which is bounded."""

from __future__ import annotations


class Shares:
    """`sessions` searches of one strategy, after which `others` strategies are still to come."""

    def __init__(self, sessions: int, others: int) -> None:
        self._left = sessions
        self._others = others

    def next(self) -> float:
        """Which part of what is left of the budget the next search may spend."""
        part = 1 / (max(1, self._left) + self._others * max(1, self._left))
        self._left -= 1
        return part
