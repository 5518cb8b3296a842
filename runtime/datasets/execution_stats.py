"""What a day of executions amounts to: counts, errors, outputs, latency, throughput, versions.

Sums over log lines, each day's mergeable with another's; reads and writes nothing.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

from runtime.datasets.output_mix import OutputMix, summary
from runtime.datasets.reader import Stamp
from runtime.datasets.sketch import QuantileSketch, TopValues
from runtime.sampling.estimate import ShareSums

MAX_ERRORS = 50


class ExecutionLine(Stamp):
    """What statistics need of a line; a line that has other types there is malformed."""

    program_version: int | None = None
    status: Literal["success", "error", "timeout"] = "success"
    latency_ms: float = 0.0
    output: Any = None
    error: dict[str, Any] | str | None = None
    confidence: float | None = None
    erased: bool = False


class ValidationLine(Stamp):
    """What statistics need of a validation; other fields are left to those who want them."""

    execution_id: str = ""
    program_version: int | None = None
    match: bool = False
    inclusion_probability: float = 1.0


class VersionStats:
    """Status mix, latency and agreement with the oracle of one program version."""

    def __init__(self) -> None:
        self.status = {"success": 0, "error": 0, "timeout": 0}
        self.latency = QuantileSketch()
        self.agreement = ShareSums()

    def merge(self, other: VersionStats) -> None:
        for name, count in other.status.items():
            self.status[name] += count
        self.latency.merge(other.latency)
        self.agreement.merge(other.agreement)

    def as_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "executions": self.latency.count,
            "status": self.status,
            "latency_ms": {**summary(self.latency), "sketch": self.latency.as_json()},
        }
        if self.agreement.observed:
            shown = self.agreement.share().as_json()
            data["agreement"] = {**shown, "sums": self.agreement.as_json()}
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> VersionStats:
        version = cls()
        version.status = dict(data["status"])
        version.latency = QuantileSketch.from_json(data["latency_ms"]["sketch"])
        if "agreement" in data:
            version.agreement = ShareSums.from_json(data["agreement"]["sums"])
        return version


class ExecutionStats:
    """The sums of one day, or of several merged. The order of lines does not matter."""

    def __init__(self, *, seconds: bool = True) -> None:
        """Without `seconds`, the busiest one is not looked for: whoever adds knows it."""
        self.versions: dict[str, VersionStats] = {}
        self.errors = TopValues()
        self.outputs = OutputMix()
        self.confidence = QuantileSketch()
        self.per_hour = [0] * 24
        self.peak_per_second = 0
        self.peak_at: str | None = None
        self.malformed_lines = 0
        self._seconds: dict[str, int] | None = {} if seconds else None

    @property
    def executions(self) -> int:
        return sum(version.latency.count for version in self.versions.values())

    def add(self, line: ExecutionLine) -> None:
        key = str(line.program_version)
        version = self.versions.get(key)
        if version is None:
            version = self.versions[key] = VersionStats()
        version.status[line.status] += 1
        version.latency.add(line.latency_ms)
        self._count_second(line.timestamp)
        if line.confidence is not None:
            self.confidence.add(line.confidence)
        if line.status == "success":
            if not line.erased:
                self.outputs.add(line.output)
        else:
            self.errors.add(_error_kind(line))

    def add_validation(self, line: ValidationLine) -> None:
        """Count what an oracle said of one sampled execution, by inverse probability."""
        version = self.versions.setdefault(str(line.program_version), VersionStats())
        version.agreement.add(line.match, line.inclusion_probability)

    def merge(self, other: ExecutionStats) -> None:
        """Add another day's sums."""
        for key, version in other.versions.items():
            self.versions.setdefault(key, VersionStats()).merge(version)
        self.errors.merge(other.errors)
        self.outputs.merge(other.outputs)
        self.confidence.merge(other.confidence)
        self.per_hour = [a + b for a, b in zip(self.per_hour, other.per_hour, strict=True)]
        self.malformed_lines += other.malformed_lines
        if other.peak_per_second > self.peak_per_second:
            self.peak_per_second, self.peak_at = other.peak_per_second, other.peak_at

    def as_json(self, *, whole: bool = False) -> dict[str, Any]:
        """Everything, fit for a screen and for `from_json`.

        Only when `whole` are values and errors beyond the most frequent in it too, so that
        counting goes on as if it had never stopped.
        """
        everything = VersionStats()
        for version in self.versions.values():
            everything.merge(version)
        errors, errors_error = self.errors.top(sys.maxsize if whole else MAX_ERRORS)
        return {
            "executions": self.executions,
            "status": everything.status,
            "errors": [{"error": kind, "count": count} for kind, count in errors],
            "errors_error": errors_error,
            "latency_ms": summary(everything.latency),
            **_agreement(everything),
            "throughput": {
                "per_hour": self.per_hour,
                "peak_per_second": self.peak_per_second,
                "peak_at": self.peak_at,
            },
            "outputs": self.outputs.as_json(whole=whole),
            "confidence": {**summary(self.confidence), "sketch": self.confidence.as_json()},
            "versions": {
                key: self.versions[key].as_json() for key in sorted(self.versions, key=_numeric)
            },
            "malformed_lines": self.malformed_lines,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ExecutionStats:
        stats = cls(seconds=False)
        stats.versions = {
            key: VersionStats.from_json(version) for key, version in data["versions"].items()
        }
        stats.errors.counts = {entry["error"]: entry["count"] for entry in data["errors"]}
        stats.errors.error = data["errors_error"]
        stats.outputs = OutputMix.from_json(data["outputs"])
        stats.confidence = QuantileSketch.from_json(data["confidence"]["sketch"])
        throughput = data["throughput"]
        stats.per_hour = list(throughput["per_hour"])
        stats.peak_per_second = throughput["peak_per_second"]
        stats.peak_at = throughput["peak_at"]
        stats.malformed_lines = data["malformed_lines"]
        return stats

    def _count_second(self, timestamp: str) -> None:
        second = timestamp[:19]
        hour = second[11:13]
        if hour.isdecimal():
            self.per_hour[int(hour) % 24] += 1
        if self._seconds is None:
            return
        count = self._seconds[second] = self._seconds.get(second, 0) + 1
        stamp = f"{second}Z"
        if (-count, stamp) < (-self.peak_per_second, self.peak_at or ""):
            self.peak_per_second, self.peak_at = count, stamp


def _agreement(everything: VersionStats) -> dict[str, Any]:
    if not everything.agreement.observed:
        return {}
    return {"agreement": everything.agreement.share().as_json()}


def _error_kind(line: ExecutionLine) -> str:
    if line.status == "timeout":
        return "timeout"
    kind = line.error.get("type") if isinstance(line.error, dict) else line.error
    return str(kind)[:100] if kind else "error"


def _numeric(key: str) -> int:
    return int(key) if key.isdecimal() else 0
