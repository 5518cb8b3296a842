"""A population of programs: islands, on each of them groups of programs that score alike.

After the search of Romera-Paredes et al. 2024 (FunSearch), made small: one short program is kept
a group, and the worst island is settled anew from the best. Runs nothing and asks nothing.
"""

from __future__ import annotations

import random

from workbench.synthesis.by_model.trial import Trial

RESETTLE_AFTER = 8  # programs

Signature = tuple[bool, ...]


class Islands:
    """`source` of chance decides which group a parent is taken from; the same each time."""

    def __init__(self, count: int, source: random.Random) -> None:
        self._islands: list[dict[Signature, Trial]] = [{} for _ in range(count)]
        self._random = source
        self._added = 0

    def __len__(self) -> int:
        return len(self._islands)

    def add(self, place: int, trial: Trial) -> bool:
        """Settle a whole trial; whether it is new there, or shorter than what scored alike."""
        island = self._islands[place]
        known = island.get(trial.right)
        if known is not None and known.rank >= trial.rank:
            return False
        island[trial.right] = trial
        self._added += 1
        if self._added % RESETTLE_AFTER == 0:
            self._resettle()
        return True

    def parent(self, place: int) -> Trial | None:
        """One of an island's better programs; chances fall by half from group to group."""
        ranked = sorted(self._islands[place].values(), key=lambda each: each.rank, reverse=True)
        if not ranked:
            return self.best()
        weights = [0.5**position for position in range(len(ranked))]
        return self._random.choices(ranked, weights)[0]

    def mate(self, trial: Trial) -> Trial | None:
        """The program that is right most often where this one is wrong; None when none is."""

        def gain(other: Trial) -> int:
            pairs = zip(trial.right, other.right, strict=True)
            return sum(theirs and not mine for mine, theirs in pairs)

        others = [each for each in self.everyone() if gain(each)]
        return max(others, key=lambda each: (gain(each), each.rank), default=None)

    def best(self) -> Trial | None:
        return max(self.everyone(), key=lambda each: each.rank, default=None)

    def everyone(self) -> list[Trial]:
        """All programs, the best first."""
        found = {trial.source: trial for island in self._islands for trial in island.values()}
        return sorted(found.values(), key=lambda each: each.rank, reverse=True)

    def _resettle(self) -> None:
        settled = [island for island in self._islands if island]
        if len(settled) < 2:
            return
        heads = [max(island.values(), key=lambda each: each.rank) for island in settled]
        best = max(heads, key=lambda each: each.rank)
        worst = min(range(len(heads)), key=lambda place: heads[place].rank)
        if heads[worst] is not best:
            settled[worst].clear()
            settled[worst][best.right] = best
