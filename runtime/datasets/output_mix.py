"""What a program answers, in sums: how often each value, how numbers spread, which fields.

Bounded memory whatever the outputs are; reads and writes nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from runtime.datasets.sketch import RELATIVE_ERROR, QuantileSketch, TopValues

MAX_VALUES = 50
MAX_FIELDS = 100
MAX_TEXT = 200
TYPES = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}

_encode = msgspec.json.Encoder().encode


class ValueMix:
    """The values in one place: their types, the most frequent, and a summary of numbers."""

    def __init__(self, capacity: int = 1000) -> None:
        self.count = 0
        self.types: dict[str, int] = {}
        self.values = TopValues(capacity)
        self.numbers = QuantileSketch()

    def add(self, value: Any) -> None:
        kind = TYPES[type(value)]
        self.count += 1
        self.types[kind] = self.types.get(kind, 0) + 1
        if kind == "number":
            self.numbers.add(value)
        if kind == "object" or type(value) is float:
            return  # hardly ever the same twice
        self.values.add(_text(value))

    def merge(self, other: ValueMix) -> None:
        self.count += other.count
        for kind, count in other.types.items():
            self.types[kind] = self.types.get(kind, 0) + count
        self.values.merge(other.values)
        self.numbers.merge(other.numbers)

    def as_json(self, *, whole: bool = False) -> dict[str, Any]:
        """Fit for a screen and for `from_json`; with all values only when `whole`."""
        top, error = self.values.top(sys.maxsize if whole else MAX_VALUES)
        data: dict[str, Any] = {
            "count": self.count,
            "types": self.types,
            "values": [
                {
                    "value": msgspec.json.decode(text),
                    "count": count,
                    "share": round(count / self.count, 6),
                }
                for text, count in top
            ],
            "values_error": error,
        }
        if self.numbers.count:
            data["numbers"] = {**summary(self.numbers), "sketch": self.numbers.as_json()}
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ValueMix:
        mix = cls()
        mix.count, mix.types = data["count"], dict(data["types"])
        mix.values.counts = {_text(entry["value"]): entry["count"] for entry in data["values"]}
        mix.values.error = data["values_error"]
        if "numbers" in data:
            mix.numbers = QuantileSketch.from_json(data["numbers"]["sketch"])
        return mix


class OutputMix(ValueMix):
    """Outputs as a whole, and each field of those that are objects (the first 100 met)."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, ValueMix] = {}

    def add(self, value: Any) -> None:
        super().add(value)
        if type(value) is dict:
            for name, inner in value.items():
                self._field(name).add(inner)

    def merge(self, other: ValueMix) -> None:
        super().merge(other)
        if isinstance(other, OutputMix):
            for name, mix in other.fields.items():
                self._field(name).merge(mix)

    def as_json(self, *, whole: bool = False) -> dict[str, Any]:
        data = super().as_json(whole=whole)
        if self.fields:
            data["fields"] = {name: mix.as_json(whole=whole) for name, mix in self.fields.items()}
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> OutputMix:
        mix = super().from_json(data)
        assert isinstance(mix, OutputMix)
        fields = data.get("fields", {})
        mix.fields = {name: ValueMix.from_json(inner) for name, inner in fields.items()}
        return mix

    def _field(self, name: str) -> ValueMix:
        if name not in self.fields:
            if len(self.fields) >= MAX_FIELDS:
                name = "*"
            self.fields.setdefault(name, ValueMix(capacity=100))
        return self.fields[name]


def summary(sketch: QuantileSketch) -> dict[str, Any]:
    """Count, mean, extremes and percentiles, rounded to six decimals; null when empty."""
    figures = {"mean": sketch.mean, "min": sketch.min, "max": sketch.max}
    figures |= {name: sketch.quantile(fraction) for name, fraction in QUANTILES.items()}
    return {
        "count": sketch.count,
        **{name: round(value, 6) if sketch.count else None for name, value in figures.items()},
        "relative_error": RELATIVE_ERROR,
    }


def _text(value: Any) -> str:
    """A value as its JSON text, cut where it is long."""
    text = _encode(value).decode()
    if len(text) <= MAX_TEXT + 2:
        return text
    shown = value if isinstance(value, str) else text
    return _encode(shown[:MAX_TEXT] + "…").decode()
