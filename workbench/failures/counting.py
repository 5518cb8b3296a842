"""The first pass: how often each version failed, where, when and how, in sums that add up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from runtime.datasets.sketch import TopValues
from runtime.sampling.estimate import ShareSums
from workbench.failures.told import Source, Told, ToldReader
from workbench.replay.tally import LABEL_LENGTH, MOST_SAMPLE_BYTES, Sample
from workbench.synthesis.kinds import class_label

FAILURES_KEPT = 300
SUCCESSES_KEPT = 600
KINDS_COUNTED = 200
DAY = len("2026-11-22")

#: Task, version, and whether an oracle judged it.
Key = tuple[str, int, str]


@dataclass(slots=True)
class Group:
    """One version's executions of a kind. `by` counts rows and failures of each deployment and
    day; `causes` are mix-ups as JSON `[answered, right]` of judged ones, else errors."""

    rows: int = 0
    failed: int = 0
    with_input: int = 0
    failed_with_input: int = 0
    share: ShareSums = field(default_factory=ShareSums)
    statuses: dict[str, int] = field(default_factory=dict)
    by: dict[str, dict[str, list[int]]] = field(
        default_factory=lambda: {"deployment": {}, "day": {}}
    )
    causes: TopValues = field(default_factory=lambda: TopValues(KINDS_COUNTED))
    failures: Sample = field(default_factory=lambda: Sample(FAILURES_KEPT))
    successes: Sample = field(default_factory=lambda: Sample(SUCCESSES_KEPT))

    def add(self, told: Told) -> None:
        self.rows += 1
        self.failed += told.failed
        if told.probability > 0:
            self.share.add(told.failed, told.probability)
        for name, value in (("deployment", told.deployment), ("day", told.at[:DAY])):
            counted = self.by[name].setdefault(value, [0, 0])
            counted[0] += 1
            counted[1] += told.failed
        if told.failed:
            self.statuses[told.status] = self.statuses.get(told.status, 0) + 1
            self.causes.add(_cause(told))
        if told.input is not None:
            self.with_input += 1
            self.failed_with_input += told.failed
            self._keep(told, told.input)

    def _keep(self, told: Told, given: dict[str, Any]) -> None:
        sample = self.failures if told.failed else self.successes
        text = msgspec.json.encode(given)
        key = hashlib.blake2b(text + told.place.encode(), digest_size=12).hexdigest()
        if len(text) <= MOST_SAMPLE_BYTES and sample.wants(key):
            kept = {
                "input": given, "answered": told.answered, "expected": told.expected,
                "status": told.status, "error": told.error, "deployment": told.deployment,
                "at": told.at,
            }  # fmt: skip
            sample.add({key: kept})

    def merge(self, other: Group) -> None:
        self.rows += other.rows
        self.failed += other.failed
        self.with_input += other.with_input
        self.failed_with_input += other.failed_with_input
        self.share.merge(other.share)
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        for name, values in other.by.items():
            for value, (rows, failed) in values.items():
                mine = self.by[name].setdefault(value, [0, 0])
                mine[0] += rows
                mine[1] += failed
        self.causes.merge(other.causes)
        self.failures.add(other.failures.rows)
        self.successes.add(other.successes.rows)

    def as_json(self) -> dict[str, Any]:
        """All that `from_json` needs."""
        return {
            "counts": [self.rows, self.failed, self.with_input, self.failed_with_input],
            "share": self.share.as_json(),
            "statuses": self.statuses,
            "by": self.by,
            "causes": [self.causes.counts, self.causes.error],
            "failures": self.failures.rows,
            "successes": self.successes.rows,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Group:
        group = cls(*data["counts"])
        group.share = ShareSums.from_json(data["share"])
        group.statuses, group.by = data["statuses"], data["by"]
        group.causes.counts, group.causes.error = data["causes"]
        group.failures.add(data["failures"])
        group.successes.add(data["successes"])
        return group


def count_source(source: Source) -> dict[str, Any]:
    """`{"part", "skipped", "problems", "rows", "groups": [[task, version, kind, Group as JSON]]}`.

    Raises LoopaiError where it cannot be read.
    """
    reader = ToldReader()
    groups: dict[Key, Group] = {}
    rows = 0
    for told in reader.read(source):
        rows += 1
        groups.setdefault((told.task, told.version, told.kind), Group()).add(told)
    return {
        "part": source.number,
        "rows": rows,
        "skipped": reader.skipped,
        "problems": reader.problems,
        "groups": [[*key, group.as_json()] for key, group in groups.items()],
    }


def _cause(told: Told) -> str:
    if told.kind == "judged":
        answered = class_label(told.answered) if told.status == "success" else f"({told.status})"
        pair = [answered[:LABEL_LENGTH], class_label(told.expected)[:LABEL_LENGTH]]
        return msgspec.json.encode(pair).decode()
    return told.error or told.status
