"""A recipe for a classifier, and the scikit-learn model fitted by it. Compiles nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from workbench.synthesis.ml.calibration import Labels, two_sided
from workbench.synthesis.ml.column_heads import ColumnHead, column_scores
from workbench.synthesis.ml.folds import Rows
from workbench.synthesis.ml.linear_heads import RANKER, LinearHead, linear_weights
from workbench.synthesis.ml.pruning import TokenRanking
from workbench.synthesis.ml.space import Array, Corpus, Space, make_space
from workbench.synthesis.ml.views import RowPart, TextView

DEFAULT_TOKENS = 4000


class CannotFitError(Exception):
    """This kind of model does not exist for this data; the message says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to look at and which model to fit; `tokens` is how many to keep of all views."""

    head: LinearHead | ColumnHead
    views: tuple[TextView, ...] = ()
    parts: tuple[RowPart, ...] = ()
    parts_title: str = "columns"
    tokens: int = DEFAULT_TOKENS

    @property
    def title(self) -> str:
        seen = [view.title for view in self.views]
        if self.parts:
            seen.append(self.parts_title)
        size = "" if self.tokens == DEFAULT_TOKENS else f", {self.tokens} tokens"
        return f"{self.head.title} on {', '.join(seen)}{size}"

    def with_tokens(self, tokens: int) -> Recipe:
        return replace(self, tokens=tokens)


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted recipe: the space it looks at inputs in and a scikit-learn estimator."""

    recipe: Recipe
    space: Space
    estimator: Any

    def scores(self, matrix: Any) -> Array:
        """Scores (rows by classes); the class with the largest is what `predict` gives."""
        if isinstance(self.recipe.head, LinearHead):
            weights, biases = linear_weights(self.estimator)
            return two_sided(np.asarray(matrix @ weights + biases))
        return column_scores(self.recipe.head, self.estimator, matrix)

    def predict(self, inputs: Sequence[Any]) -> Labels:
        """The classes of any inputs, by scikit-learn alone."""
        return np.asarray(self.estimator.predict(self.space.place_new(inputs)), dtype=np.int64)


class Trainer:
    """Fits recipes on rows of one corpus; ranks the tokens of each set of rows once.

    `labels` are class numbers, or the numbers to estimate where `ranker` is a regression.
    """

    def __init__(
        self, corpus: Corpus, labels: Labels | Array, seed: int, ranker: LinearHead = RANKER
    ) -> None:
        self.corpus = corpus
        self.labels = labels
        self.seed = seed
        self._ranker = ranker
        self.ranking = TokenRanking(corpus, self._importance)

    def fit(self, recipe: Recipe, rows: Rows) -> Model:
        """Raises CannotFitError."""
        head = recipe.head
        keep = self.ranking.keep(recipe.views, rows, recipe.tokens) if recipe.views else None
        space = make_space(
            self.corpus,
            rows,
            recipe.views,
            recipe.parts,
            rare=not isinstance(head, LinearHead) or head.rare,
            scaled=isinstance(head, LinearHead) or head.family in ("kernel", "density"),
            keep=keep,
        )
        matrix = space.place(self.corpus, rows)
        if matrix.shape[1] == 0:
            raise CannotFitError("the inputs hold nothing to look at")
        return Model(recipe, space, fit_quietly(head.make(self.seed), matrix, self.labels[rows]))

    def _importance(self, matrix: Any, rows: Rows) -> Array:
        estimator = fit_quietly(self._ranker.make(self.seed), matrix, self.labels[rows])
        return np.asarray(np.abs(np.atleast_2d(estimator.coef_)).max(axis=0))


def fit_quietly(estimator: Any, matrix: Any, targets: Any) -> Any:
    """Fit; a model that ends short of convergence is judged like any other.

    Raises CannotFitError where the data do not determine such a model.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("ignore", "Only one sample", UserWarning)
        try:
            return estimator.fit(matrix, targets)
        except (ValueError, np.linalg.LinAlgError) as reason:
            raise CannotFitError(str(reason).splitlines()[0]) from None
