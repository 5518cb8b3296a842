"""Says in words what a trained model looks at and which models it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.synthesis.ml.choice import Blend
from workbench.synthesis.ml.compile_classifier import Member
from workbench.synthesis.ml.linear_heads import LinearHead, linear_weights
from workbench.synthesis.ml.models import Model
from workbench.synthesis.ml.space import Array
from workbench.synthesis.ml.trials import Trials

TOP_FEATURES = 8
MAX_CLASSES_NAMED = 20


def describe(
    choice: Blend, members: Sequence[Member], labels: Sequence[Any], examples: int
) -> tuple[str, ...]:
    """Sentences: the model, how right and how honest it was, what speaks for each class."""
    tokens = sum(member.model.space.token_count for member in members)
    kept = f", {tokens} tokens kept" if tokens else ""
    sentences = [
        f"{choice.title}, trained on {examples} examples{kept}: {choice.accuracy:.1%} right in "
        f"cross-validation.",
        f"Its confidence is off by {choice.calibration_error:.1%} on average (expected "
        "calibration error, out of fold).",
    ]
    for member in members:
        sentences.extend(_top_features(member.model, labels))
    return tuple(sentences)


def explain(trials: Trials, examples: int) -> tuple[str, ...]:
    """A sentence for each model tried, the best first, and for each that could not be."""
    ranked = sorted(trials.tried.values(), key=lambda t: (-t.accuracy, t.loss, t.recipe.title))
    judged = len(trials.trainer.labels)
    lines = [] if judged == examples else [f"Models were compared on {judged} of the examples."]
    lines.extend(
        f"Tried {trial.recipe.title}: {trial.accuracy:.1%} right, log-loss {trial.loss:.3f}."
        for trial in ranked
    )
    lines.extend(
        f"Could not try {title}: {reason}." for title, reason in sorted(trials.impossible.items())
    )
    return tuple(lines)


def feature_names(model: Model) -> list[str]:
    """The names of the columns of the model's matrix."""
    names = [repr(token) for block in model.space.blocks for token in block.tokens]
    return names + [name for part in model.space.parts for name in part.names]


def _top_features(model: Model, labels: Sequence[Any]) -> list[str]:
    if isinstance(model.recipe.head, LinearHead):
        weights, _ = linear_weights(model.estimator)
        if weights.shape[1] == 1:
            weights = np.hstack([-weights, weights])
        return _by_class(weights, feature_names(model), labels)
    importances = getattr(model.estimator, "feature_importances_", None)
    if importances is None:
        return []
    names = _largest(np.asarray(importances), feature_names(model))
    return [f"{model.recipe.head.title} looks most at {', '.join(names)}."]


def _by_class(weights: Array, names: Sequence[str], labels: Sequence[Any]) -> list[str]:
    # Relative to the other classes: only differences decide.
    relative = weights - weights.mean(axis=1, keepdims=True)
    return [
        f"For {label} speak most: {', '.join(_largest(relative[:, position], names))}."
        for position, label in enumerate(labels[:MAX_CLASSES_NAMED])
    ]


def _largest(values: Array, names: Sequence[str]) -> list[str]:
    order = np.argsort(-np.round(values, 9), kind="stable")[:TOP_FEATURES]
    return [names[position] for position in order if values[position] > 0]
