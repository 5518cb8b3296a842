"""How the budget of a run is shared out among its strategies, each of which is bounded."""

from __future__ import annotations

from contextlib import AbstractContextManager

from workbench.synthesis.by_model.calls import Budget, ModelCalls


class Purse:
    """What one strategy may spend on all its sessions together, while `others` are to come.

    What is asked in the first session is mostly asked for all of them.
    """

    def __init__(self, calls: ModelCalls, others: int) -> None:
        self._calls = calls
        self._others = others
        self._limit: Budget | None = None

    def session(self) -> AbstractContextManager[None]:
        """Within it no more is spent than is left in the purse."""
        if self._limit is None:
            self._limit = self._calls.portion(1 / (1 + self._others))
        return self._calls.within(self._limit)


class EvenShares:
    """What is left of the budget, spent evenly on `sessions` that ask each for itself."""

    def __init__(self, calls: ModelCalls, sessions: int) -> None:
        self._calls = calls
        self._left = sessions

    def session(self) -> AbstractContextManager[None]:
        """Within it no more is spent than its share."""
        limit = self._calls.portion(1 / max(1, self._left))
        self._left -= 1
        return self._calls.within(limit)
