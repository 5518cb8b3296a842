"""What one stage of a rollout has seen of both versions. Pure; it draws no conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runtime.datasets.sketch import QuantileSketch
from runtime.rollout.difference import BASELINE, CANDIDATE, DifferenceTest
from runtime.rollout.settings import RolloutConfig

METRICS: Final = ("errors", "timeouts", "slow", "disagreement")
ARMS: Final = {CANDIDATE: "candidate", BASELINE: "baseline"}
STATUSES: Final = ("success", "error", "timeout")
# The baseline's p99 is taken from so many executions at most, then it stays.
LATENCIES_FOR_LIMIT = 500
#: More than one in a hundred executions beyond the limit: only then is the p99 itself beyond it.
SLOW_TOLERANCE = 0.01


def tolerance(metric: str) -> float:
    """The difference above which the candidate is worse."""
    return SLOW_TOLERANCE if metric == "slow" else 0.0


class StageEvidence:
    """Counts of both arms, and a test for each metric. Its state is JSON."""

    def __init__(self, config: RolloutConfig) -> None:
        self._config = config
        self.counts = {arm: dict.fromkeys(STATUSES, 0) for arm in ARMS}
        self.latency = {arm: QuantileSketch() for arm in ARMS}
        #: Executions slower than this are slow; None until the baseline's p99 is known.
        self.limit_ms: float | None = None
        margins = config.margins
        self.tests = {
            metric: DifferenceTest(
                (
                    tolerance(metric),
                    # A margin that is no larger than what is tolerated could never be kept.
                    max(getattr(margins, metric), tolerance(metric)),
                )
            )
            for metric in METRICS
        }

    def executions(self, arm: int) -> int:
        """Executions of an arm so far."""
        return sum(self.counts[arm].values())

    def add_execution(self, arm: int, status: str, latency_ms: float) -> None:
        """Count an execution of either arm."""
        self.counts[arm][status] += 1
        self.tests["errors"].add(arm, float(status == "error"))
        self.tests["timeouts"].add(arm, float(status == "timeout"))
        self.latency[arm].add(latency_ms)
        if self.limit_ms is not None:
            self.tests["slow"].add(arm, float(latency_ms > self.limit_ms))
        elif self.latency[BASELINE].count >= min(LATENCIES_FOR_LIMIT, self._config.min_samples):
            # Known before the executions that it is asked of, so the test stays valid.
            p99 = self.latency[BASELINE].quantile(0.99)
            floor = p99 + self._config.latency_floor_ms
            self.limit_ms = max(self._config.latency_ratio * p99, floor)

    def add_validation(self, arm: int, match: bool, probability: float) -> None:
        """Count what an oracle said of an execution that was sampled with a probability."""
        self.tests["disagreement"].add(arm, float(not match), probability)

    def as_json(self) -> dict[str, Any]:
        """Everything, for `from_json`."""
        return {
            "counts": {ARMS[arm]: counts for arm, counts in self.counts.items()},
            "latency": {ARMS[arm]: sketch.as_json() for arm, sketch in self.latency.items()},
            "limit_ms": self.limit_ms,
            "tests": {metric: test.as_json() for metric, test in self.tests.items()},
        }

    @classmethod
    def from_json(cls, config: RolloutConfig, data: Mapping[str, Any]) -> StageEvidence:
        """What `as_json` said. Raises KeyError, TypeError or ValueError."""
        evidence = cls(config)
        for arm, name in ARMS.items():
            evidence.counts[arm] = dict(data["counts"][name])
            evidence.latency[arm] = QuantileSketch.from_json(data["latency"][name])
        evidence.limit_ms = data["limit_ms"]
        evidence.tests = {
            metric: DifferenceTest.from_json(data["tests"][metric]) for metric in METRICS
        }
        return evidence
