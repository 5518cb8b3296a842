"""What inputs and outputs are like as a whole, in counts that can be added: kinds, lengths, words.

Bounded memory, the same for the same records in any order. It reads and compares nothing.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from runtime.datasets.features import length_bucket, text_length, tokens
from runtime.datasets.sketch import QuantileSketch

MAX_FIELDS = 60
MAX_CATEGORIES = 100
MAX_CATEGORY = 60
WORD_BUCKETS = 32
OTHER = "…"


class Feature:
    """One thing that is looked at: values as categories, and numbers by their size."""

    __slots__ = ("categories", "numbers")

    def __init__(self) -> None:
        self.categories: dict[str, float] = {}
        self.numbers = QuantileSketch()

    def add(self, category: str, weight: float = 1) -> None:
        if category not in self.categories and len(self.categories) >= MAX_CATEGORIES:
            category = OTHER
        self.categories[category] = self.categories.get(category, 0) + weight

    def add_value(self, value: Any) -> None:
        """Numbers by size; short texts, switches and nulls as they are; the rest by its type."""
        if isinstance(value, bool) or value is None:
            self.add(str(value).lower())
        elif isinstance(value, int | float):
            self.numbers.add(value)
        elif isinstance(value, str):
            self.add(f"={value}" if len(value) <= MAX_CATEGORY else "a longer text")
        else:
            self.add(type(value).__name__)

    def merge(self, other: Feature) -> None:
        for category, count in other.categories.items():
            self.add(category, count)
        self.numbers.merge(other.numbers)

    def as_json(self) -> dict[str, Any]:
        return {"categories": self.categories, "numbers": self.numbers.as_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Feature:
        feature = cls()
        feature.categories = dict(data["categories"])
        feature.numbers = QuantileSketch.from_json(data["numbers"])
        return feature


class DriftSketch:
    """The features of some executions or examples: `output`, `input length`, `input words` and
    `input.<field>` for each field at the top of the input."""

    def __init__(self) -> None:
        self.count = 0
        #: Of `count`, those that have an output.
        self.outputs = 0
        self.features: dict[str, Feature] = {}

    def add(self, value: Any, output: Any, *, failed: bool = False) -> None:
        """Count one input, and its output unless it `failed`."""
        self.count += 1
        if not failed:
            self.outputs += 1
            self._feature("output").add_value(output)
        self._feature("input length").add(str(length_bucket(text_length(value))))
        words = tokens(value)
        if words:
            feature = self._feature("input words")
            for word in words:
                bucket = crc32(word.encode("utf-8", "replace")) % WORD_BUCKETS
                feature.add(str(bucket), 1 / len(words))
        if isinstance(value, dict):
            for name, inner in value.items():
                self._feature(f"input.{name}").add_value(inner)

    def merge(self, other: DriftSketch) -> None:
        self.count += other.count
        self.outputs += other.outputs
        for name, feature in other.features.items():
            self._feature(name).merge(feature)

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "outputs": self.outputs,
            "features": {name: feature.as_json() for name, feature in self.features.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DriftSketch:
        sketch = cls()
        sketch.count, sketch.outputs = data["count"], data["outputs"]
        sketch.features = {
            name: Feature.from_json(feature) for name, feature in data["features"].items()
        }
        return sketch

    def _feature(self, name: str) -> Feature:
        feature = self.features.get(name)
        if feature is None:
            if len(self.features) >= MAX_FIELDS:
                name = "input.*"
            feature = self.features.setdefault(name, Feature())
        return feature
