"""Learns to estimate numbers: regressions tried, the best kept, and written as plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from runtime.validation.exact import matches
from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import InputField
from workbench.synthesis.ml.compile_regression import compile_regression
from workbench.synthesis.ml.folds import plain_folds
from workbench.synthesis.ml.models import CannotFitError, Model, Recipe, Trainer
from workbench.synthesis.ml.regression_heads import COLUMN_HEADS, LINEAR_HEADS, RANKER
from workbench.synthesis.ml.sampling import selection_rows
from workbench.synthesis.ml.scale import Scale, scale_of
from workbench.synthesis.ml.space import Array, Corpus
from workbench.synthesis.ml.views import logarithm_parts, row_parts, step_parts, text_views
from workbench.synthesis.strategy import NotApplicableError, Progress

FOLDS = 5
MIN_EXAMPLES = 6
MAX_PROPOSED = 3
# The logarithm of a target is tried where the greatest is this many times the median.
WIDE = 10.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A trial: what each row was given when held out, the share right, the mean error."""

    recipe: Recipe
    scale: Scale
    right: float
    squared_error: float
    mean_error: float

    @property
    def title(self) -> str:
        return self.recipe.title + (", on a logarithmic scale" if self.scale.logarithmic else "")


@dataclass(frozen=True, slots=True)
class Regression:
    """A trained regression, as a scikit-learn model and as a fragment that agrees with it."""

    fragment: Fragment
    model: Model
    scale: Scale
    title: str
    accuracy: float

    def predict(self, inputs: Sequence[Any]) -> list[float | int]:
        """The answers for any inputs by scikit-learn alone."""
        values = self.model.estimator.predict(self.model.space.place_new(inputs))
        return [self.scale.answer(float(value)) for value in values]


def learn_numbers(
    inputs: Sequence[Any],
    values: Sequence[float | int],
    fields: Sequence[InputField],
    schema: Mapping[str, Any],
    *,
    function: str,
    seed: int,
    latency_ms: float,
    max_bytes: int,
    progress: Progress = lambda message: None,
) -> Iterator[Regression]:
    """Yield regressions of `values` (one number for each input), the best first.

    An answer is right where it `matches` the value under `schema` (its `x-tolerance`).
    Raises NotApplicableError in words where nothing can be learned.
    """
    nulls = sum(value is None for value in values)
    if nulls:
        raise NotApplicableError(f"{nulls} of {len(values)} numbers are null; a model needs all")
    if len(values) < MIN_EXAMPLES:
        raise NotApplicableError(f"{len(values)} examples are too few to fit a line through")
    targets = np.array([float(value) for value in values])
    search = _Search(inputs, values, targets, schema, seed, progress)
    with threadpool_limits(limits=1):  # sums in one order: the same program every time
        best = search.best(_recipes(fields, inputs, latency_ms))
    for estimate in best:
        progress(f"fitting {estimate.title} on all {len(values)} examples")
        with threadpool_limits(limits=1):
            model = search.fit(estimate)
        fragment = compile_regression(
            model,
            estimate.scale,
            (estimate.right * search.judged + 1) / (search.judged + 2),
            function,
            estimate.title,
            search.notes(estimate),
        )
        if len(fragment.source.encode()) <= max_bytes:
            yield Regression(fragment, model, estimate.scale, estimate.title, estimate.right)


class _Search:
    """The trials of one set of examples."""

    def __init__(
        self,
        inputs: Sequence[Any],
        values: Sequence[float | int],
        targets: Array,
        schema: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        rows = selection_rows(inputs, np.zeros(len(inputs), dtype=np.int64), seed)
        self._inputs, self._targets, self._seed = inputs, targets, seed
        self._values = [values[row] for row in rows]
        self._rows = rows
        self._corpus = Corpus([inputs[row] for row in rows])
        self._folds = plain_folds(len(rows), FOLDS, seed)
        self._schema, self._progress = schema, progress
        self._tried: list[Estimate] = []

    @property
    def judged(self) -> int:
        """How many examples were held out in turn."""
        return len(self._values)

    def best(self, recipes: Sequence[Recipe]) -> list[Estimate]:
        """The few best, by share right within half a standard error, then squared error."""
        targets = self._targets[self._rows]
        scales = [scale_of(self._values, logarithmic=False)]
        if targets.min() >= 0 and targets.max() > WIDE * max(1e-9, float(np.median(targets))):
            scales.append(scale_of(self._values, logarithmic=True))
        for scale in scales:
            known = np.log1p(targets) if scale.logarithmic else targets
            trainer = Trainer(self._corpus, known, self._seed, RANKER)
            for recipe in recipes:
                self._try(recipe, scale, trainer)
        if not self._tried:
            raise NotApplicableError("no regression could be fitted to these inputs")
        top = max(estimate.right for estimate in self._tried)
        error = math.sqrt(top * (1 - top) / len(self._values))

        def order(estimate: Estimate) -> tuple[bool, float, str]:
            error_digits = float(f"{estimate.squared_error:.6g}")
            return (estimate.right < top - error / 2, error_digits, estimate.title)

        return sorted(self._tried, key=order)[:MAX_PROPOSED]

    def fit(self, estimate: Estimate) -> Model:
        """The model on all examples."""
        targets = np.log1p(self._targets) if estimate.scale.logarithmic else self._targets
        trainer = Trainer(Corpus(self._inputs), targets, self._seed, RANKER)
        return trainer.fit(estimate.recipe, np.arange(len(self._inputs)))

    def notes(self, estimate: Estimate) -> tuple[str, ...]:
        """Sentences: how good the model is and what else was tried."""
        ranked = sorted(self._tried, key=lambda tried: (tried.squared_error, tried.title))
        return (
            f"{estimate.title}, trained on {len(self._inputs)} examples: {estimate.right:.1%} "
            f"exactly right in cross-validation, mean error {estimate.mean_error:.4g}.",
            *(
                f"Tried {tried.title}: {tried.right:.1%} right, mean error {tried.mean_error:.4g}."
                for tried in ranked
            ),
        )

    def _try(self, recipe: Recipe, scale: Scale, trainer: Trainer) -> None:
        answers: dict[int, float | int] = {}
        try:
            for fold in self._folds:
                model = trainer.fit(recipe, fold.train)
                found = model.estimator.predict(model.space.place(self._corpus, fold.held_out))
                for row, value in zip(fold.held_out, found, strict=True):
                    answers[int(row)] = scale.answer(float(value))
        except CannotFitError:
            return
        rows = sorted(answers)
        errors = np.array([float(answers[row]) - float(self._values[row]) for row in rows])
        right = [matches(self._values[row], answers[row], self._schema) for row in rows]
        estimate = Estimate(
            recipe,
            scale,
            sum(right) / len(rows),
            float((errors**2).mean()),
            float(np.abs(errors).mean()),
        )
        self._tried.append(estimate)
        self._progress(f"{estimate.title}: mean error {estimate.mean_error:.4g}")


def _recipes(
    fields: Sequence[InputField], inputs: Sequence[Any], latency_ms: float
) -> list[Recipe]:
    views = text_views(fields, inputs, latency_ms)
    parts = row_parts(fields, inputs)
    extra = (*parts, *logarithm_parts(fields, inputs), *step_parts(fields, inputs))
    recipes = [Recipe(head, look, parts) for look in views for head in LINEAR_HEADS[1:]]
    if parts:
        recipes += [Recipe(head, (), parts) for head in (*LINEAR_HEADS, *COLUMN_HEADS)]
        if len(extra) > len(parts):
            title = "columns, logarithms and steps"
            recipes += [Recipe(head, (), extra, title) for head in LINEAR_HEADS[1:]]
    if not recipes:
        raise NotApplicableError("the inputs have no text, number, category or boolean to look at")
    return recipes
