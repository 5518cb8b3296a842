"""How well each recipe does on rows held out in turn. Chooses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.synthesis.ml.calibration import (
    Labels,
    brier_score,
    calibration_error,
    fit_sharpness,
    log_loss,
    log_softmax,
)
from workbench.synthesis.ml.folds import Fold, stratified_folds
from workbench.synthesis.ml.models import CannotFitError, Recipe, Trainer
from workbench.synthesis.ml.space import Array
from workbench.synthesis.strategy import Progress

FOLDS = 5
FOLDS_OF_MANY = 3
MANY_ROWS = 3000
# Above this much work (see `Trials.work`) cross-validation is not repeated.
REPEATED_WORK = 2_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe's out-of-fold scores (judged rows by classes) and what they amount to.

    `labels` are the judged rows' classes; both repeat where cross-validation was repeated.
    """

    recipe: Recipe
    scores: Array
    labels: Labels
    sharpness: float
    accuracy: float
    loss: float

    @property
    def chances(self) -> Array:
        """Calibrated probabilities (judged rows by classes)."""
        return np.asarray(np.exp(log_softmax(self.sharpness * self.scores)))

    @property
    def brier(self) -> float:
        """Mean squared error of the calibrated probabilities."""
        return brier_score(self.chances, self.labels)

    @property
    def calibration_error(self) -> float:
        return calibration_error(self.chances, self.labels)


class Trials:
    """Cross-validates recipes, each repetition once, and remembers all of them."""

    def __init__(self, trainer: Trainer, classes: int, progress: Progress) -> None:
        self.trainer = trainer
        self.tried: dict[Recipe, Trial] = {}
        self.impossible: dict[str, str] = {}
        self._classes = classes
        self._progress = progress
        self._folds: list[list[Fold]] = []
        self._scores: dict[Recipe, list[Array]] = {}

    @property
    def repeats(self) -> int:
        """How often cross-validation is repeated for finalists: fewer rows, more chance."""
        count = len(self.trainer.labels)
        if self.work > REPEATED_WORK:
            return 1
        return 3 if count <= 120 else 2 if count <= 300 else 1

    @property
    def work(self) -> int:
        """How much there is to fit: the characters of all texts times the classes."""
        return self.trainer.corpus.characters * self._classes

    def folds(self, repeat: int = 0) -> list[Fold]:
        """The folds of this repetition."""
        while len(self._folds) <= repeat:
            count = FOLDS_OF_MANY if len(self.trainer.labels) > MANY_ROWS else FOLDS
            labels = [int(label) for label in self.trainer.labels]
            seed = self.trainer.seed + 1000 * len(self._folds)
            self._folds.append(stratified_folds(labels, count, seed))
        return self._folds[repeat]

    def judged_rows(self, repeat: int = 0) -> list[int]:
        """The rows behind a repetition's part of `Trial.scores`, in its order."""
        return [int(row) for fold in self.folds(repeat) for row in fold.held_out]

    def judged_rows_of(self, trial: Trial) -> list[int]:
        """The rows behind all of a trial's scores, in their order."""
        repeats = len(trial.labels) // len(self.judged_rows())
        return [row for repeat in range(repeats) for row in self.judged_rows(repeat)]

    def run(self, recipes: Sequence[Recipe], repeats: int = 1) -> list[Trial]:
        """The trials of those recipes that can be fitted."""
        trials = []
        for recipe in recipes:
            trial = self._run_one(recipe, repeats)
            if trial is not None:
                trials.append(trial)
        return trials

    def _run_one(self, recipe: Recipe, repeats: int) -> Trial | None:
        known = self.tried.get(recipe)
        if known is not None and len(self._scores[recipe]) >= repeats:
            return known
        if recipe.title in self.impossible:
            return None
        scores = self._scores.setdefault(recipe, [])
        try:
            while len(scores) < repeats:
                scores.append(self._cross_validate(recipe, self.folds(len(scores))))
        except CannotFitError as reason:
            self.impossible[recipe.title] = str(reason)
            self.tried.pop(recipe, None)
            return None
        trial = self._summarize(recipe, scores)
        self.tried[recipe] = trial
        if known is None:
            self._progress(f"{recipe.title}: {trial.accuracy:.1%} in cross-validation")
        return trial

    def _cross_validate(self, recipe: Recipe, folds: Sequence[Fold]) -> Array:
        parts = []
        for fold in folds:
            model = self.trainer.fit(recipe, fold.train)
            scores = model.scores(model.space.place(self.trainer.corpus, fold.held_out))
            if scores.shape[1] != self._classes:
                raise CannotFitError("a class has too few examples to hold some out")
            parts.append(scores)
        return np.vstack(parts)

    def _summarize(self, recipe: Recipe, scores: Sequence[Array]) -> Trial:
        stacked = np.vstack(scores)
        labels = np.concatenate(
            [self.trainer.labels[self.judged_rows(repeat)] for repeat in range(len(scores))]
        )
        sharpness = fit_sharpness(stacked, labels)
        chances = np.exp(log_softmax(sharpness * stacked))
        return Trial(
            recipe,
            stacked,
            labels,
            sharpness,
            accuracy=float((stacked.argmax(axis=1) == labels).mean()),
            loss=log_loss(chances, labels),
        )
