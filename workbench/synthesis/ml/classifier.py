"""Learns to tell classes apart: models tried, the best kept, and written as plain Python."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from runtime.strict_json import canonical
from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import InputField, class_label
from workbench.synthesis.ml.calibration import log_softmax, two_sided
from workbench.synthesis.ml.choice import (
    Blend,
    Sight,
    best_trial,
    blend_models,
    finalists,
    fit_token_count,
    run_trials,
    single,
)
from workbench.synthesis.ml.compile_classifier import Member, compile_classifier
from workbench.synthesis.ml.explanation import describe, explain
from workbench.synthesis.ml.linear_heads import LinearHead, linear_weights
from workbench.synthesis.ml.models import Model, Recipe, Trainer
from workbench.synthesis.ml.sampling import selection_rows, training_rows
from workbench.synthesis.ml.space import Array, Corpus
from workbench.synthesis.ml.trials import Trials
from workbench.synthesis.ml.views import (
    logarithm_parts,
    row_parts,
    shape_parts,
    step_parts,
    text_views,
)
from workbench.synthesis.strategy import NotApplicableError, Progress

MAX_BYTES = 290_000
# Sizes that the greatest weight of a token may have as an integer, the shortest first.
LARGEST = (999, 9999, 99_999)
AGREEMENT = 0.998
MIN_TOKENS = 50
REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier, as scikit-learn models and as plain Python that agrees with them.

    `labels` are the JSON values of the classes; `accuracy` and `calibration_error` were
    found by cross-validation on the training examples; `rows` are those judged there (with
    repetitions) and `chances` (rows by classes) what they were given when held out.
    `largest` is the size of the greatest integer weight in the program.
    """

    labels: tuple[Any, ...]
    members: tuple[Member, ...]
    sharpness: float
    title: str
    accuracy: float
    calibration_error: float
    rows: tuple[int, ...]
    chances: Array
    notes: tuple[str, ...]
    largest: int

    def fragment(self, function: str) -> Fragment:
        """Python that defines `function(input_data)` -> (label, confidence)."""
        made = compile_classifier(
            self.members,
            self.labels,
            self.sharpness,
            function=function,
            about=f"The most likely class by {self.title}, and its probability.",
            largest=self.largest,
        )
        return replace(made, notes=self.notes)

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """The labels of any inputs by scikit-learn alone."""
        if len(self.members) == 1:
            found = self.members[0].model.predict(inputs)
        else:
            found = self.predict_chances(inputs).argmax(axis=1)
        return [self.labels[position] for position in found]

    def predict_chances(self, inputs: Sequence[Any]) -> Array:
        """Calibrated probabilities (inputs by classes) by scikit-learn alone."""
        return chances_of(self.members, self.sharpness, inputs)


_remembered: dict[bytes, Classifier] = {}


def chances_of(members: Sequence[Member], sharpness: float, inputs: Sequence[Any]) -> Array:
    """The blended probabilities that these models give (inputs by classes)."""
    votes = []
    for member in members:
        scores = member.model.scores(member.model.space.place_new(inputs))
        votes.append(member.weight * np.exp(log_softmax(member.sharpness * scores)))
    if len(votes) == 1:
        return np.asarray(votes[0])
    mean = np.sum(votes, axis=0) / sum(member.weight for member in members)
    return np.asarray(np.exp(log_softmax(sharpness * np.log(np.maximum(mean, 1e-9)))))


def learn_classes(
    inputs: Sequence[Any],
    values: Sequence[Any],
    fields: Sequence[InputField],
    *,
    seed: int,
    latency_ms: float = 10.0,
    max_bytes: int = MAX_BYTES,
    progress: Progress = lambda message: None,
) -> Iterator[Classifier]:
    """Yield classifiers of `values` (JSON, one for each input), the best first, others smaller.

    The first is remembered, for `ml` and `hybrid` learn from the same examples in turn.
    Raises NotApplicableError in words where nothing can be learned.
    """
    question = canonical([list(inputs), list(values), repr(fields), seed, latency_ms, max_bytes])
    key = hashlib.sha256(question.encode(errors="surrogatepass")).digest()
    known = _remembered.get(key)
    if known is not None:
        progress(f"trained before: {known.title}")
        yield known
    learned = _learn(inputs, values, fields, seed, latency_ms, max_bytes, progress)
    for position, classifier in enumerate(learned):
        if position == 0 and known is None:
            _remembered[key] = classifier
            while len(_remembered) > REMEMBERED:
                del _remembered[next(iter(_remembered))]
        if position > 0 or known is None:
            yield classifier


def _learn(
    inputs: Sequence[Any],
    values: Sequence[Any],
    fields: Sequence[InputField],
    seed: int,
    latency_ms: float,
    max_bytes: int,
    progress: Progress,
) -> Iterator[Classifier]:
    names = sorted({class_label(value) for value in values})
    if len(names) < 2:
        raise NotApplicableError(
            f"every example has the same answer, {names[0]}: there is nothing to tell apart"
            if names
            else "there are no examples to learn from"
        )
    labels = np.array([names.index(class_label(value)) for value in values], dtype=np.int64)
    if max(np.bincount(labels)) < 2:
        raise NotApplicableError("no class has two examples, so no model can be judged")
    sight = Sight(
        tuple(text_views(fields, inputs, latency_ms)),
        row_parts(fields, inputs),
        logarithm_parts(fields, inputs),
        step_parts(fields, inputs),
        shape_parts(fields),
    )
    if not sight.views and not sight.parts:
        raise NotApplicableError("the inputs have no text, number, category or boolean to look at")
    rows = selection_rows(inputs, labels, seed)
    trainer = Trainer(Corpus([inputs[row] for row in rows]), labels[rows], seed)
    trials = Trials(trainer, len(names), progress)
    with threadpool_limits(limits=1):  # sums in one order: the same program every time
        run_trials(trials, sight)
        choices = _choices(trials)
    full = trainer
    if len(rows) < len(inputs):
        wanted = training_rows(inputs, labels, seed)
        full = Trainer(Corpus([inputs[row] for row in wanted]), labels[wanted], seed)
    answers = [json.loads(name) for name in names]
    judged = tuple(int(rows[row]) for row in trials.judged_rows_of(choices[0].trials[0]))
    for choice in choices:
        progress(f"fitting {choice.title} on all {len(full.labels)} examples")
        with threadpool_limits(limits=1):
            notes = explain(trials, len(inputs))
            classifier = _make(choice, full, answers, judged, notes, max_bytes)
        if classifier is not None:
            yield classifier


def _choices(trials: Trials) -> list[Blend]:
    """What to make, the best first; what follows is for when that is too large or too slow."""
    if not trials.tried:
        reasons = "; ".join(f"{title}: {why}" for title, why in trials.impossible.items())
        raise NotApplicableError(f"no model could be judged ({reasons})")
    final = finalists(trials)
    blend = blend_models(final)
    best = best_trial(final)
    choices = [single(fit_token_count(trials, best))]
    if blend.trials != (best,):
        choices.insert(0, blend)
    others = [trial for trial in final if trial is not best]
    simple = [trial for trial in others if len(trial.recipe.views) == 1]
    if others:
        choices.append(single(best_trial(simple or others)))
    return choices


def _make(
    choice: Blend,
    trainer: Trainer,
    values: Sequence[Any],
    judged: tuple[int, ...],
    tried: tuple[str, ...],
    max_bytes: int,
) -> Classifier | None:
    """Fit and compile; halve the tokens until it fits. None where it never does."""
    every = np.arange(len(trainer.labels))
    recipes = [trial.recipe for trial in choice.trials]
    while True:
        members = tuple(
            Member(trainer.fit(recipe, every), trial.sharpness, weight)
            for recipe, trial, weight in zip(recipes, choice.trials, choice.weights, strict=True)
        )
        classifier = Classifier(
            labels=tuple(values),
            members=members,
            sharpness=choice.sharpness,
            title=choice.title,
            accuracy=choice.accuracy,
            calibration_error=choice.calibration_error,
            rows=judged,
            chances=choice.chances,
            notes=(*describe(choice, members, values, len(trainer.labels)), *tried),
            largest=max(_largest_weight(member.model, trainer) for member in members),
        )
        if len(classifier.fragment("answer").source.encode()) <= max_bytes:
            return classifier
        smaller = [_halved(recipe, member) for recipe, member in zip(recipes, members, strict=True)]
        if smaller == recipes:
            return None
        recipes = smaller


def _halved(recipe: Recipe, member: Member) -> Recipe:
    count = min(recipe.tokens, member.model.space.token_count)
    return recipe.with_tokens(count // 2) if count >= 2 * MIN_TOKENS else recipe


def _largest_weight(model: Model, trainer: Trainer) -> int:
    """The size of a token's greatest integer weight at which rounding changes no decision."""
    if not isinstance(model.recipe.head, LinearHead) or not model.recipe.views:
        return LARGEST[0]
    weights, biases = linear_weights(model.estimator)
    matrix = model.space.place(trainer.corpus, np.arange(min(len(trainer.labels), 500)))
    exact = two_sided(np.asarray(matrix @ weights + biases)).argmax(axis=1)
    tokens = model.space.token_count
    for largest in LARGEST:
        unit = np.abs(weights[:tokens]).max() / largest
        rounded = np.vstack([np.rint(weights[:tokens] / unit) * unit, weights[tokens:]])
        found = two_sided(np.asarray(matrix @ rounded + biases)).argmax(axis=1)
        if (found == exact).mean() >= AGREEMENT:
            return largest
    return LARGEST[-1]
