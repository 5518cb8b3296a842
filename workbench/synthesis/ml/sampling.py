"""How many examples are used when there are very many: by number and by length of text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.synthesis.ml.calibration import Labels
from workbench.synthesis.ml.folds import Rows

# Choosing a model reads every text some dozens of times; training the chosen one but once.
SELECTION_ROWS, SELECTION_CHARACTERS = 6000, 8_000_000
TRAINING_ROWS, TRAINING_CHARACTERS = 60_000, 60_000_000


def selection_rows(inputs: Sequence[Any], labels: Labels, seed: int) -> Rows:
    """Rows for comparing models, in order, with classes in proportion."""
    return _sample(inputs, labels, seed, SELECTION_ROWS, SELECTION_CHARACTERS)


def training_rows(inputs: Sequence[Any], labels: Labels, seed: int) -> Rows:
    """Rows for fitting the model that was chosen, in order, with classes in proportion."""
    return _sample(inputs, labels, seed, TRAINING_ROWS, TRAINING_CHARACTERS)


def _sample(
    inputs: Sequence[Any], labels: Labels, seed: int, most_rows: int, most_characters: int
) -> Rows:
    characters = sum(len(json.dumps(data)) for data in inputs)
    share = min(1.0, most_rows / len(inputs), most_characters / max(1, characters))
    if share == 1.0:
        return np.arange(len(inputs))
    order = np.random.default_rng(seed).permutation(len(inputs))
    kept = []
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        kept.append(rows[: max(min(2, len(rows)), round(share * len(rows)))])
    return np.sort(np.concatenate(kept))
