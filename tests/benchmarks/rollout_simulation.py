"""How often rollouts err and how soon they notice, by thousands of whole rollouts.

    python -m tests.benchmarks.rollout_simulation [--runs 10000] [--json] [--plot FILE.svg]

Every rollout is looked at after every request. Nothing can change but where a block ends, so
blocks are drawn, not requests: how many executions of each arm until it ends is negative
binomial, what they came to is multinomial. Each metric's stream of executions is its own.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from runtime.rollout.evidence import LATENCIES_FOR_LIMIT, METRICS, tolerance
from runtime.rollout.judgement import alpha_each
from runtime.rollout.settings import RolloutConfig
from tests.benchmarks.many_tests import ManyTests
from tests.benchmarks.rollout_picture import draw


@dataclass(frozen=True)
class Scenario:
    """What both versions do; shares of executions, candidate first."""

    name: str
    errors: tuple[float, float] = (0.02, 0.02)
    timeouts: tuple[float, float] = (0.002, 0.002)
    slow: tuple[float, float] = (0.005, 0.005)
    disagreement: tuple[float, float] = (0.10, 0.10)
    #: Of each stratum: its share of the wrong and of the right outputs, and the probability of
    #: being sampled, of the candidate's and of the baseline's.
    strata: tuple[tuple[float, float, float, float], ...] = ((1.0, 1.0, 0.10, 0.10),)
    #: Requests until it is given up as undecided.
    most_requests: int = 200_000
    #: Go on to the next stage after half of them, and never because the evidence is good.
    never_satisfied: bool = False
    config: RolloutConfig = field(default_factory=RolloutConfig)


EQUAL = Scenario("equal versions")
# Four in five wrong answers, and one in five right ones, are uncertain.
UNCERTAIN = ((0.8, 0.2, 0.20, 0.20), (0.2, 0.8, 0.05, 0.05))
# The candidate is new: everything of it is sampled more.
NEW = ((0.8, 0.2, 0.20, 0.20), (0.2, 0.8, 0.20, 0.05))
SCENARIOS = (
    EQUAL,
    replace(EQUAL, name="equal, never let on", most_requests=60_000, never_satisfied=True),
    replace(
        EQUAL,
        name="equal, uncertain ones sampled more, never let on",
        strata=UNCERTAIN,
        most_requests=60_000,
        never_satisfied=True,
    ),
    replace(
        EQUAL,
        name="equal, a new version sampled more, never let on",
        strata=NEW,
        most_requests=60_000,
        never_satisfied=True,
    ),
    replace(EQUAL, name="accuracy 90 % -> 85 %", disagreement=(0.15, 0.10)),
    replace(
        EQUAL,
        name="accuracy 90 % -> 85 %, uncertain ones sampled more",
        disagreement=(0.15, 0.10),
        strata=UNCERTAIN,
    ),
    replace(
        EQUAL,
        name="accuracy 90 % -> 85 %, a new version sampled more",
        disagreement=(0.15, 0.10),
        strata=NEW,
    ),
    replace(EQUAL, name="errors 2 % -> 4 %", errors=(0.04, 0.02)),
    replace(EQUAL, name="beyond 1.5 x p99: 0.5 % -> 4 %", slow=(0.04, 0.005)),
)


@dataclass(frozen=True)
class Outcomes:
    """What became of the rollouts of one scenario; `requests` of each one rolled back."""

    scenario: str
    runs: int
    rolled_back: int
    promoted: int
    undecided: int
    requests: list[int]
    promoted_after: list[int]
    seconds: float

    def as_row(self) -> dict[str, object]:
        share = self.rolled_back / self.runs
        spread = 1.96 * (share * (1 - share) / self.runs) ** 0.5
        return {
            **{key: value for key, value in asdict(self).items() if not isinstance(value, list)},
            "rolled_back_share": round(share, 4),
            "plus_minus": round(spread, 4),
            "median_requests_to_roll_back": _quantile(self.requests, 0.5),
            "p95_requests_to_roll_back": _quantile(self.requests, 0.95),
            "median_requests_to_promote": _quantile(self.promoted_after, 0.5),
        }


def simulate(scenario: Scenario, runs: int, seed: int = 0) -> Outcomes:
    """Whole rollouts of one scenario."""
    started = time.perf_counter()
    random = np.random.default_rng(seed)
    config = scenario.config
    percents = [percent for percent in config.stages if percent < 100]
    begun = np.zeros(runs)
    rolled_back: list[int] = []
    undecided = 0
    for number, percent in enumerate(percents, start=1):
        last = scenario.most_requests
        if scenario.never_satisfied:
            last = last * number // len(percents)
        worse, better = _stage(scenario, percent / 100, last - begun, random)
        back = worse <= np.minimum(better, last - begun)
        rolled_back += (begun + worse)[back].astype(int).tolist()
        if scenario.never_satisfied:
            on, begun = ~back, np.full(len(begun), float(last))
        else:
            on, begun = ~back & (begun + better <= last), begun + better
        undecided += int((~back & ~on).sum())
        begun = begun[on]
    return Outcomes(
        scenario.name,
        runs,
        len(rolled_back),
        len(begun),
        undecided,
        rolled_back,
        begun.astype(int).tolist(),
        round(time.perf_counter() - started, 1),
    )


def _stage(
    scenario: Scenario, share: float, most: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """After how many requests of a stage each rollout is seen to be worse, and better.

    Infinity where that is not within `most` requests.
    """
    config, runs = scenario.config, len(most)
    first = config.min_samples + random.negative_binomial(config.min_samples, share, runs)
    second = config.min_samples + random.negative_binomial(config.min_samples, 1 - share, runs)
    better = np.maximum(first, second).astype(float)
    worse = np.full(runs, np.inf)
    known = min(LATENCIES_FOR_LIMIT, config.min_samples)
    limit_known = known + random.negative_binomial(known, 1 - share, runs)
    for metric in METRICS:
        rates = getattr(scenario, metric)
        strata = scenario.strata if metric == "disagreement" else ((1.0, 1.0, 1.0, 1.0),)
        stream = Stream(rates, share, strata, random)
        start = limit_known.astype(float) if metric == "slow" else np.zeros(runs)
        alpha = alpha_each(config), config.margin_alpha
        margin = max(getattr(config.margins, metric), tolerance(metric))
        tests = ManyTests(runs, tolerance(metric), margin, stream.probabilities)
        above, below = _times(tests, stream, start, np.minimum(most, worse), alpha)
        worse, better = np.minimum(worse, above), np.maximum(better, below)
    return worse, better


def _times(
    tests: ManyTests,
    stream: Stream,
    now: np.ndarray,
    most: np.ndarray,
    alpha: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """When each of one metric's two nulls is rejected, in requests; infinity where it is not."""
    found = np.full((len(now), 2), np.inf)
    rows = np.arange(len(now))
    now = now.copy()
    needed = -np.log(np.array(alpha))
    while rows.size:
        block, requests = stream.draw(tests.needed(rows))
        now[rows] += requests
        tests.add_block(rows, block)
        new = (tests.most[rows] >= needed) & np.isinf(found[rows])
        found[rows] = np.where(new, now[rows, None], found[rows])
        # Once it is worse nothing else counts; once better, it must still not become worse.
        rows = rows[(now[rows] < most[rows]) & np.isinf(found[rows, 0])]
    found[found > most[:, None]] = np.inf
    return found[:, 0], found[:, 1]


class Stream:
    """Values of both arms as they come: outcomes, strata, and which of them are sampled."""

    def __init__(
        self,
        rates: tuple[float, float],
        share: float,
        strata: tuple[tuple[float, float, float, float], ...],
        random: np.random.Generator,
    ) -> None:
        self.probabilities = tuple(tuple(stratum[2 + arm] for stratum in strata) for arm in (0, 1))
        # Of an execution of each arm: the probability of a value, a stratum and being sampled.
        cells = np.array(
            [
                [
                    [(1 - rate) * stratum[1] * stratum[2 + arm] for stratum in strata],
                    [rate * stratum[0] * stratum[2 + arm] for stratum in strata],
                ]
                for arm, rate in enumerate(rates)
            ]
        )
        sampled = cells.sum(axis=(1, 2))
        self._cells = cells / sampled[:, None, None]
        shares = np.array([share, 1 - share]) * sampled
        self._sampled = shares.sum()
        self._candidate = shares[0] / self._sampled
        self._random = random

    def draw(self, needed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A block for each rollout that ends when both arms have `needed` values, and in how
        many requests it came: counts by [rollout, arm, value, stratum]."""
        random = self._random
        n_b = random.negative_binomial(needed, self._candidate)
        n_a = needed.copy()
        short = np.flatnonzero(n_b < needed)
        if short.size:
            n_a[short] += random.negative_binomial(needed[short] - n_b[short], 1 - self._candidate)
            n_b[short] = needed[short]
        block = np.stack(
            [
                random.multinomial(count, cells.ravel()).reshape(len(needed), *cells.shape)
                for count, cells in zip((n_a, n_b), self._cells, strict=True)
            ],
            axis=1,
        )
        both = n_a + n_b
        if self._sampled < 1 - 1e-12:
            both = both + random.negative_binomial(both, self._sampled)
        return block, both


def _quantile(values: list[int], fraction: float) -> int | None:
    return int(np.quantile(values, fraction)) if values else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    given = parser.parse_args()
    found = []
    for scenario in SCENARIOS:
        if given.only is None or given.only in scenario.name:
            found.append(simulate(scenario, given.runs, given.seed))
            if not given.json:
                _print(found[-1], first=len(found) == 1)
    if given.json:
        print(json.dumps([outcomes.as_row() for outcomes in found], indent=2))
    if given.plot:
        curves = {o.scenario: o.requests for o in found if o.requests}
        given.plot.write_text(draw(curves, given.runs))


def _print(outcomes: Outcomes, *, first: bool) -> None:
    if first:
        print(
            f"{'scenario':56}{'rolled back':>20}{'promoted':>10}{'median':>9}{'95 %':>9}"
            f"{'promoted at':>13}{'s':>7}"
        )
    row = outcomes.as_row()
    share = f"{row['rolled_back_share']:.2%} ± {row['plus_minus']:.2%}"
    median, most = row["median_requests_to_roll_back"], row["p95_requests_to_roll_back"]
    print(
        f"{outcomes.scenario:56}{share:>20}{outcomes.promoted / outcomes.runs:>10.2%}"
        f"{median or '-':>9}{most or '-':>9}{row['median_requests_to_promote'] or '-':>13}"
        f"{outcomes.seconds:>7}",
        flush=True,
    )


if __name__ == "__main__":
    main()
