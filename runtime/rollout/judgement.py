"""What a stage's evidence says, in one of four outcomes and in words. Pure.

Alpha is split evenly over the metrics and the stages that compare (Bonferroni), so an equal version
is rolled back with probability at most `alpha` in the whole rollout. To go on, every metric must
show a loss smaller than its margin, each at `margin_alpha`: all of them must, so nothing is split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from runtime.rollout.difference import BASELINE, CANDIDATE
from runtime.rollout.evidence import ARMS, METRICS, StageEvidence, tolerance
from runtime.rollout.settings import RolloutConfig

#: `gathering` is none of the four outcomes: there is not enough evidence yet.
Outcome = Literal["better", "worse", "inconclusive", "error", "gathering"]
WORDS = {
    "errors": "errors",
    "timeouts": "timeouts",
    "slow": "slow executions",
    "disagreement": "disagreement with the oracle",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome, why, and the figures it rests on (as `summary` gives them)."""

    outcome: Outcome
    reason: str
    figures: dict[str, Any]


def metrics_of(config: RolloutConfig) -> tuple[str, ...]:
    """The metrics that are compared."""
    return tuple(m for m in METRICS if m != "disagreement" or config.agreement != "off")


def alpha_each(config: RolloutConfig) -> float:
    """What one metric of one stage may err with; a stage of 100 % compares nothing."""
    comparing = max(1, sum(percent < 100 for percent in config.stages))
    return config.alpha / (comparing * len(metrics_of(config)))


def judge(
    evidence: StageEvidence,
    config: RolloutConfig,
    *,
    needs_agreement: bool,
    past_deadline: bool,
) -> Judgement:
    """The outcome of a stage as of now; may be asked after every execution."""
    figures = summary(evidence, config)
    alpha = alpha_each(config)
    metrics = metrics_of(config)
    seen = {arm: evidence.executions(arm) for arm in ARMS}
    if seen[CANDIDATE] >= config.min_samples_to_roll_back:
        worse = [m for m in metrics if evidence.tests[m].shows_above(tolerance(m), alpha)]
        if worse:
            told = "; ".join(_told(evidence, figures, metric) for metric in worse)
            return Judgement("worse", f"The candidate is worse: {told}.", figures)
    missing = [
        f"{config.min_samples - count:,} more executions of the {ARMS[arm]}"
        for arm, count in seen.items()
        if count < config.min_samples
    ]
    for metric in metrics:
        if metric == "disagreement" and not needs_agreement:
            continue
        margin = evidence.tests[metric]
        if not margin.shows_below(_margin(config, metric), config.margin_alpha):
            missing.append(f"{WORDS[metric]} within the margin of {_points(config, metric)}")
    if not missing:
        return Judgement("better", "Every metric is better, or within its margin.", figures)
    wanted = f"not shown yet: {'; '.join(missing)}"
    if not past_deadline:
        return Judgement("gathering", f"The candidate is not worse so far; {wanted}.", figures)
    if not seen[CANDIDATE]:
        reason = f"No execution of the candidate by the deadline ({seen[BASELINE]:,} of the other)."
        return Judgement("error", reason, figures)
    return Judgement("inconclusive", f"The deadline has passed; {wanted}.", figures)


def summary(evidence: StageEvidence, config: RolloutConfig) -> dict[str, Any]:
    """The figures for people: JSON. Differences are candidate less baseline, in shares."""
    alpha = alpha_each(config)
    metrics = {}
    for metric in metrics_of(config):
        test = evidence.tests[metric]
        lower, upper = test.interval(alpha, config.margin_alpha)
        metrics[metric] = {
            **{name: _rounded(test.mean(arm)) for arm, name in ARMS.items()},
            "values": {name: test.count(arm) for arm, name in ARMS.items()},
            "difference": {"lower": lower, "upper": upper},
            "tolerance": tolerance(metric),
            "margin": _margin(config, metric),
        }
    return {
        "executions": {name: evidence.executions(arm) for arm, name in ARMS.items()},
        "status": {name: dict(evidence.counts[arm]) for arm, name in ARMS.items()},
        "p99_ms": {
            name: _rounded(evidence.latency[arm].quantile(0.99)) for arm, name in ARMS.items()
        },
        "slow_limit_ms": _rounded(evidence.limit_ms),
        "alpha_each": alpha,
        "margin_alpha": config.margin_alpha,
        "metrics": metrics,
    }


def _margin(config: RolloutConfig, metric: str) -> float:
    margin: float = getattr(config.margins, metric)
    return max(margin, tolerance(metric))


def _points(config: RolloutConfig, metric: str) -> str:
    return f"{_margin(config, metric) * 100:g} points"


def _told(evidence: StageEvidence, figures: dict[str, Any], metric: str) -> str:
    known = figures["metrics"][metric]
    counts = known["values"]
    told = (
        f"{WORDS[metric]} {known['candidate']:.2%} of {counts['candidate']:,} "
        f"against {known['baseline']:.2%} of {counts['baseline']:,}"
    )
    if metric == "slow":
        told += f" took longer than {evidence.limit_ms:.3g} ms"
    return told


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 6)
