"""What a part's rows came to, in sums that add up whatever the order they were counted in.

Memory is bounded: quantile sketches, the commonest values, and samples chosen by a hash.
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field
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
COUNTS = ("rows", "success", "error", "timeout", "compared", "same", "newly_failing", "unanswered")


@dataclass(slots=True)
class Sample:
    """Rows with the smallest hashes: the same ones however the work was cut and spread."""

    size: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _largest: str = ""

    def wants(self, key: str) -> bool:
        return len(self.rows) < self.size or key < self._largest

    def add(self, rows: dict[str, dict[str, Any]]) -> None:
        self.rows |= rows
        self.rows = {key: self.rows[key] for key in heapq.nsmallest(self.size, self.rows)}
        self._largest = max(self.rows, default="")


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
        if same:
            self.same += 1
        else:
            self.newly_failing += not result.ok
            now = class_label(result.output) if result.ok else f"({result.status})"
            pair = [class_label(row.recorded)[:LABEL_LENGTH], now[:LABEL_LENGTH]]
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

    def merge(self, other: Tally) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latency.merge(other.latency)
        self.outputs.merge(other.outputs)
        self.changes.merge(other.changes)
        self.changed_rows.add(other.changed_rows.rows)
        self.same_rows.add(other.same_rows.rows)

    def as_json(self) -> dict[str, Any]:
        """All that `from_json` needs."""
        return {
            **{name: getattr(self, name) for name in COUNTS},
            "latency": self.latency.as_json(),
            "outputs": self.outputs.as_json(whole=True),
            "changes": self.changes.counts,
            "changes_error": self.changes.error,
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
        tally.changes.counts = dict(data["changes"])
        tally.changes.error = data["changes_error"]
        tally.changed_rows.add(data["changed_rows"])
        tally.same_rows.add(data["same_rows"])
        return tally
