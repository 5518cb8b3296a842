"""Which tokens a model keeps: those that a quick linear model gives the greatest weights.

The model proper is then fitted again on what was kept, so nothing is cut off afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.synthesis.ml.folds import Rows
from workbench.synthesis.ml.space import Array, Corpus, make_space
from workbench.synthesis.ml.views import TextView

# Gives each feature (column of the matrix) its importance.
Weigh = Callable[[Any, Rows], Array]


class TokenRanking:
    """Tokens by importance, for each set of training rows; ranked once, asked often."""

    def __init__(self, corpus: Corpus, weigh: Weigh) -> None:
        self._corpus = corpus
        self._weigh = weigh
        self._known: dict[tuple[tuple[TextView, ...], bytes], list[tuple[Rows, Array]]] = {}

    def keep(self, views: tuple[TextView, ...], rows: Rows, size: int) -> list[Rows]:
        """For each view the columns of the `size` most important tokens over all views."""
        ranked = self._rank(views, rows)
        importance = np.concatenate([weights for _, weights in ranked])
        if len(importance) <= size:
            return [columns for columns, _ in ranked]
        # Among equals the earlier stays, so that the choice does not hang on the sort.
        chosen = np.zeros(len(importance), dtype=bool)
        chosen[np.argsort(-importance, kind="stable")[:size]] = True
        kept, start = [], 0
        for columns, weights in ranked:
            kept.append(columns[chosen[start : start + len(weights)]])
            start += len(weights)
        return kept

    def count(self, views: tuple[TextView, ...], rows: Rows) -> int:
        """How many tokens there are to choose from."""
        return sum(len(columns) for columns, _ in self._rank(views, rows))

    def _rank(self, views: tuple[TextView, ...], rows: Rows) -> Sequence[tuple[Rows, Array]]:
        key = (views, rows.tobytes())
        if key not in self._known:
            space = make_space(self._corpus, rows, views, (), rare=True)
            weights = np.zeros(0)
            if space.token_count:
                weights = np.round(self._weigh(space.place(self._corpus, rows), rows), 9)
            ranked, start = [], 0
            for block in space.blocks:
                stop = start + len(block.columns)
                ranked.append((block.columns, weights[start:stop]))
                start = stop
            self._known[key] = ranked
        return self._known[key]
