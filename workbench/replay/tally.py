"""What a part's rows came to, in sums that add up whatever the order they were counted in.

Memory is bounded: quantile sketches, the commonest values, and samples chosen by a hash.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from runtime.datasets.output_mix import OutputMix
from runtime.datasets.sketch import QuantileSketch, TopValues
from runtime.sandbox import Result
from runtime.validation.exact import matches
from workbench.replay.rows import NOTHING, Row
from workbench.synthesis.kinds import class_label

CHANGED_KEPT = 100
SAME_KEPT = 200
#: Inputs above this are counted like all others, and not kept as samples.
MOST_SAMPLE_BYTES = 20_000
LABEL_LENGTH = 60
CHANGES_COUNTED = 200
#: Right answers are classes while there are at most so many of them, each met four times or more.
CLASSES_COUNTED = 100
ROWS_A_CLASS = 4
VALUES = ("changes", "recorded", "answered", "both")
COUNTS = ("rows", "success", "error", "timeout", "compared", "same", "newly_failing", "unanswered")


class Sample:
    """Rows with the smallest hashes: the same ones however the work was cut and spread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[str, dict[str, Any]] = {}
        self._largest: str | None = None

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """By hash; at most as many as the sample's size."""
        if len(self._kept) > self._size:
            smallest = heapq.nsmallest(self._size, self._kept)
            self._kept = {key: self._kept[key] for key in smallest}
            self._largest = smallest[-1]
        return self._kept

    def wants(self, key: str) -> bool:
        return self._largest is None or key < self._largest

    def add(self, rows: dict[str, dict[str, Any]]) -> None:
        self._kept.update(rows)
        if len(self._kept) > 2 * self._size:  # seldom, as finding the smallest takes a while
            _ = self.rows


@dataclass(slots=True)
class Tally:
    """One program's answers. `same` are of the `compared`; `newly_failing` were answered then and
    fail now; `unanswered` had no answer then."""

    rows: int = 0
    success: int = 0
    error: int = 0
    timeout: int = 0
    compared: int = 0
    same: int = 0
    newly_failing: int = 0
    unanswered: int = 0
    latency: QuantileSketch = field(default_factory=QuantileSketch)
    outputs: OutputMix = field(default_factory=OutputMix)
    changes: TopValues = field(default_factory=lambda: TopValues(CHANGES_COUNTED))
    #: Of compared rows: what was recorded, what is answered now, and what is both.
    recorded: TopValues = field(default_factory=lambda: TopValues(CLASSES_COUNTED))
    answered: TopValues = field(default_factory=lambda: TopValues(CLASSES_COUNTED))
    both: TopValues = field(default_factory=lambda: TopValues(CLASSES_COUNTED))
    changed_rows: Sample = field(default_factory=lambda: Sample(CHANGED_KEPT))
    same_rows: Sample = field(default_factory=lambda: Sample(SAME_KEPT))

    @property
    def changed(self) -> int:
        return self.compared - self.same

    def add(self, row: Row, result: Result, schema: dict[str, Any]) -> bool | None:
        """Count a row; True where the answer is as it was then, None where there was none."""
        self.rows += 1
        setattr(self, result.status, getattr(self, result.status) + 1)
        self.latency.add(result.latency_ms)
        if result.ok:
            self.outputs.add(result.output)
        if row.recorded is NOTHING:
            self.unanswered += 1
            return None
        self.compared += 1
        same = result.ok and matches(row.recorded, result.output, schema)
        was = _label(row.recorded)
        now = _label(result.output) if result.ok else f"({result.status})"
        self.recorded.add(was)
        self.answered.add(was if same else now)
        if same:
            self.same += 1
            self.both.add(was)
        else:
            self.newly_failing += not result.ok
            pair = [was, now]
            self.changes.add(msgspec.json.encode(pair).decode())
        self._keep(row, result, self.same_rows if same else self.changed_rows)
        return same

    def _keep(self, row: Row, result: Result, sample: Sample) -> None:
        text = msgspec.json.encode(row.input)
        key = hashlib.blake2b(text + f" {row.place}".encode(), digest_size=12).hexdigest()
        if len(text) > MOST_SAMPLE_BYTES or not sample.wants(key):
            return
        kept = {
            "input": row.input,
            "recorded": row.recorded,
            "output": result.output,
            "status": result.status,
            "error": str(result.error) if result.error else None,
            "confidence": result.confidence,
        }
        sample.add({key: kept})

    def classes(self) -> dict[str, dict[str, Any]]:
        """For each class among the recorded answers: `support`, `precision`, `recall`, `f1`. Empty
        where they are no classes but texts or numbers of many values."""
        recorded = self.recorded
        few = min(CLASSES_COUNTED, max(2, self.compared // ROWS_A_CLASS))
        if recorded.error or not 0 < len(recorded.counts) <= few:
            return {}
        found = {}
        for label in sorted(recorded.counts):
            support, hit = recorded.counts[label], self.both.counts.get(label, 0)
            given = self.answered.counts.get(label, 0)
            recall, precision = hit / support, hit / given if given else 0.0
            f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
            found[label] = {
                "support": support,
                "precision": round(precision, 6),
                "recall": round(recall, 6),
                "f1": round(f1, 6),
            }
        return found

    def merge(self, other: Tally) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latency.merge(other.latency)
        self.outputs.merge(other.outputs)
        for name in VALUES:
            getattr(self, name).merge(getattr(other, name))
        self.changed_rows.add(other.changed_rows.rows)
        self.same_rows.add(other.same_rows.rows)

    def as_json(self) -> dict[str, Any]:
        """All that `from_json` needs."""
        return {
            **{name: getattr(self, name) for name in COUNTS},
            "latency": self.latency.as_json(),
            "outputs": self.outputs.as_json(whole=True),
            **{name: [getattr(self, name).counts, getattr(self, name).error] for name in VALUES},
            "changed_rows": self.changed_rows.rows,
            "same_rows": self.same_rows.rows,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tally:
        tally = cls(**{name: data[name] for name in COUNTS})
        tally.latency = QuantileSketch.from_json(data["latency"])
        outputs = OutputMix.from_json(data["outputs"])
        assert isinstance(outputs, OutputMix)
        tally.outputs = outputs
        for name in VALUES:
            values = getattr(tally, name)
            values.counts, values.error = dict(data[name][0]), data[name][1]
        tally.changed_rows.add(data["changed_rows"])
        tally.same_rows.add(data["same_rows"])
        return tally


class InOrder:
    """Hands on what parts came to in the parts' order, whenever they come: floating-point sums
    then are the same each time, and only what came early waits."""

    def __init__(self, take: Callable[[Any], object]) -> None:
        self._take = take
        self._next = 0
        self._early: dict[int, Any] = {}

    def add(self, part: int, counted: Any) -> None:
        """What the part of that number came to, from 0 on, each once."""
        self._early[part] = counted
        while self._next in self._early:
            self._take(self._early.pop(self._next))
            self._next += 1


class TallyInOrder:
    """The sum of one program's parts."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._ordered = InOrder(lambda counted: self.tally.merge(Tally.from_json(counted)))

    def add(self, part: int, counted: dict[str, Any]) -> None:
        """Count the part of that number, from 0 on, each once."""
        self._ordered.add(part, counted)


def _label(value: Any) -> str:
    """A value as a class's name, cut where it is long."""
    return _short_label(value) if isinstance(value, str) else class_label(value)[:LABEL_LENGTH]


@lru_cache(10_000)
def _short_label(value: str) -> str:
    return class_label(value)[:LABEL_LENGTH]
