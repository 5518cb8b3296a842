"""Which models are tried for a task and which are kept, by cross-validation alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.synthesis.ml.calibration import (
    brier_score,
    calibration_error,
    fit_sharpness,
    log_loss,
    log_softmax,
)
from workbench.synthesis.ml.column_heads import HEADS, ColumnHead
from workbench.synthesis.ml.linear_heads import COLUMN_HEADS, RANKER, TEXT_HEADS, LinearHead
from workbench.synthesis.ml.models import DEFAULT_TOKENS, Recipe
from workbench.synthesis.ml.space import Array
from workbench.synthesis.ml.trials import Trial, Trials
from workbench.synthesis.ml.views import RowPart, TextView

FINALISTS = 10
# What is this many times worse than the best one would hardly be picked: not judged again.
FINALIST_WITHIN = 1.5
# Models of texts are dear to judge again.
TEXT_FINALISTS = 4
PICKS = 4
# A kernel or trees must be so much better than a linear or normal model, which few rows fit
# just as well by chance: measured on small tables made and found, none of them a benchmark.
ROUGHNESS = 0.1
# Beside a model of texts others only add to what is read: log-loss must be this much lower.
BLEND_GAIN = 0.04
JOIN_WITHIN = 1.5
COLUMN_GAIN = 0.02
# Above this much work (see `Trials.work`) a model that takes many passes is not tried.
PATIENT_WORK = 50_000_000
TOKEN_LADDER = (500, 1000, 2000, 4000, 8000)
# Beside texts, columns alone are tried by these only.
COLUMN_HEADS_BESIDE_TEXT = ("extra trees", "gradient boosting")


@dataclass(frozen=True, slots=True)
class Sight:
    """All the ways in which a task's inputs may be looked at."""

    views: tuple[tuple[TextView, ...], ...]
    parts: tuple[RowPart, ...]
    logarithms: tuple[RowPart, ...]
    steps: tuple[RowPart, ...]
    shapes: tuple[RowPart, ...]


@dataclass(frozen=True, slots=True)
class Blend:
    """One trial or several whose probabilities are averaged by `weights`, then sharpened."""

    trials: tuple[Trial, ...]
    weights: tuple[int, ...]
    sharpness: float
    chances: Array

    @property
    def accuracy(self) -> float:
        return float((self.chances.argmax(axis=1) == self.trials[0].labels).mean())

    @property
    def loss(self) -> float:
        return log_loss(self.chances, self.trials[0].labels)

    @property
    def calibration_error(self) -> float:
        return calibration_error(self.chances, self.trials[0].labels)

    @property
    def title(self) -> str:
        return " + ".join(trial.recipe.title for trial in self.trials)


def run_trials(trials: Trials, sight: Sight) -> None:
    """Try what is worth trying for such inputs; the best again with other folds."""
    if sight.views:
        _try_texts(trials, sight)
    if sight.parts:
        _try_columns(trials, sight)
    tried = list(trials.tried.values())
    if trials.repeats > 1 and tried:
        if sight.views:
            order = sorted(tried, key=lambda trial: (trial.loss, trial.recipe.title))
            finalists = order[:TEXT_FINALISTS]
        else:
            order = sorted(tried, key=lambda trial: (round(trial.brier, 6), trial.recipe.title))
            limit = FINALIST_WITHIN * order[0].brier
            finalists = [trial for trial in order[:FINALISTS] if trial.brier <= limit]
        best = best_trial(tried)
        recipes = [trial.recipe for trial in finalists]
        if best.recipe not in recipes:
            recipes.append(best.recipe)
        trials.run(recipes, trials.repeats)


def best_trial(tried: Sequence[Trial]) -> Trial:
    """The least log-loss among those within half a standard error of the best accuracy.

    With few examples accuracies are too coarse to tell models apart; log-loss is finer.
    """
    top = max(trial.accuracy for trial in tried)
    error = math.sqrt(top * (1 - top) / len(tried[0].labels))
    near = [trial for trial in tried if trial.accuracy >= top - error / 2]
    return min(near, key=lambda trial: (round(trial.loss, 6), trial.recipe.title))


def finalists(trials: Trials) -> list[Trial]:
    """The trials that were repeated as often as any, so that their rows are the same."""
    longest = max(len(trial.labels) for trial in trials.tried.values())
    return [trial for trial in trials.tried.values() if len(trial.labels) == longest]


def single(trial: Trial) -> Blend:
    """One model by itself."""
    return Blend((trial,), (1,), 1.0, trial.chances)


def blend_models(tried: Sequence[Trial]) -> Blend:
    """The models whose mean has the least Brier score, or one by itself.

    Greedy selection with replacement (Caruana et al. 2004). With few rows it is chance which of
    several models comes first; their mean is right more often than the first. Smooth models
    are preferred by `ROUGHNESS`, in proportion to how many of those picked are rough.
    """
    best = best_trial(tried)
    labels = best.labels
    # Two models of the same text would read it twice to say much the same.
    tried = [trial for trial in tried if trial is best or not trial.recipe.views]
    picks: list[Trial] = []
    total = np.zeros_like(best.chances)
    for _ in range(PICKS):
        following = min(
            tried,
            key=lambda trial: (
                round(_penalised_score([*picks, trial], total + trial.chances), 6),
                trial.recipe.title,
            ),
        )
        picks.append(following)
        total = total + following.chances
    members = tuple(trial for trial in tried if trial in picks)
    blended = log_softmax(np.log(np.maximum(total / PICKS, 1e-9)))
    sharpness = fit_sharpness(blended, labels)
    chances = np.exp(log_softmax(sharpness * blended))
    together = Blend(members, tuple(picks.count(m) for m in members), sharpness, chances)
    gain = 1 - together.loss / best.loss if best.loss else 0.0
    if best.recipe.views and (gain < BLEND_GAIN or together.accuracy < best.accuracy):
        return single(best)
    return together if len(members) > 1 else single(members[0])


def _penalised_score(picks: Sequence[Trial], total: Array) -> float:
    """The Brier score of the mean of `picks`, whose chances add up to `total`, with a penalty."""
    rough = sum(
        isinstance(pick.recipe.head, ColumnHead) and pick.recipe.head.family != "density"
        for pick in picks
    )
    score = brier_score(total / len(picks), picks[0].labels)
    return score * (1 + ROUGHNESS * rough / len(picks))


def fit_token_count(trials: Trials, trial: Trial) -> Trial:
    """The same recipe with the fewest tokens that cost nothing in cross-validation."""
    recipe = trial.recipe
    if not recipe.views:
        return trial
    every = np.arange(len(trials.trainer.labels))
    available = trials.trainer.ranking.count(recipe.views, every)
    sizes = [size for size in TOKEN_LADDER if size < available]
    if not sizes:
        return trial
    repeats = len(trial.labels) // len(trials.judged_rows())
    ladder = trials.run([recipe.with_tokens(size) for size in sizes], repeats)
    return best_trial([*ladder, trial])


def _try_texts(trials: Trials, sight: Sight) -> None:
    looks: list[Trial] = []
    for views in sight.views:
        apart = {look.recipe.views: look.loss for look in looks}
        alone = [apart[(view,)] for view in views if (view,) in apart]
        # Views together are worth a trial where none is much worse alone.
        if not alone or max(alone) <= JOIN_WITHIN * min(apart.values()):
            looks += trials.run([_recipe(RANKER, views, sight.parts)])
    looks.sort(key=lambda trial: (round(trial.loss, 6), trial.recipe.title))
    for look in looks[:2]:
        views = look.recipe.views
        trials.run(
            [
                _recipe(head, views, sight.parts if head.takes_columns else ())
                for head in TEXT_HEADS
                if head is not RANKER and (trials.work <= PATIENT_WORK or not head.patient)
            ]
        )
    with_columns = [
        trial for trial in trials.tried.values() if getattr(trial.recipe.head, "takes_columns", 0)
    ]
    if not with_columns:
        return
    best = best_trial(with_columns)
    extras = (
        (sight.shapes, "measures of the text"),
        (sight.steps, "steps of numbers"),
    )
    for parts, title in extras:
        if parts:
            recipe = best.recipe
            titles = [recipe.parts_title, title] if recipe.parts else [title]
            wider = replace(recipe, parts=(*recipe.parts, *parts), parts_title=" and ".join(titles))
            for trial in trials.run([wider]):
                better = trial.loss < best.loss * (1 - COLUMN_GAIN)
                if better and trial.accuracy >= best.accuracy:
                    best = trial


def _try_columns(trials: Trials, sight: Sight) -> None:
    rows = len(trials.trainer.labels)
    heads = [head for head in HEADS if head.min_rows <= rows <= head.max_rows]
    if sight.views:
        heads = [head for head in heads if head.title in COLUMN_HEADS_BESIDE_TEXT]
        trials.run([Recipe(head, parts=sight.parts) for head in heads])
        return
    trials.run([Recipe(head, parts=sight.parts) for head in COLUMN_HEADS])
    trials.run([Recipe(head, parts=sight.parts) for head in heads])
    if sight.logarithms:
        smooth: list[LinearHead | ColumnHead] = [*COLUMN_HEADS[1:3]]
        smooth.extend(head for head in heads if head.family == "kernel")
        wider = (*sight.parts, *sight.logarithms)
        trials.run([Recipe(head, (), wider, "columns and logarithms") for head in smooth])


def _recipe(head: LinearHead, views: tuple[TextView, ...], parts: tuple[RowPart, ...]) -> Recipe:
    return Recipe(head, views, parts, tokens=DEFAULT_TOKENS)
