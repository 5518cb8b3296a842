"""Choosing executions: rates within their bounds, the same choice each time, estimates unbiased."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.sampling.choice import choose, make_strategy, uniform
from runtime.sampling.estimate import ShareSums, estimate_share, estimate_total, wilson
from runtime.sampling.settings import SamplingConfig, SamplingWeights

NAMES = ("random", "uncertainty", "stratified", "temporal", "combined")

records = st.lists(
    st.fixed_dictionaries(
        {
            "execution_id": st.uuids().map(str),
            "timestamp": st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
            "status": st.sampled_from(["success", "success", "error", "timeout"]),
            "output": st.one_of(st.none(), st.text(max_size=5), st.integers(), st.lists(st.none())),
            "input": st.dictionaries(st.text(max_size=3), st.text(max_size=20), max_size=3),
        },
        optional={
            "confidence": st.one_of(st.none(), st.floats(0, 1)),
            "program_version": st.integers(1, 4),
        },
    ),
    max_size=60,
)


def config(name: str, **more: Any) -> SamplingConfig:
    return SamplingConfig(strategy=name, **more)  # type: ignore[arg-type]


def traffic(count: int, seed: int) -> list[dict[str, Any]]:
    """Executions whose confidence, class, length and version say something of their quality."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        confidence = dice.betavariate(5, 1.5)
        spam = dice.random() < 0.1
        words = dice.randint(1, 40)
        made.append(
            {
                "execution_id": f"{seed}-{number}",
                "timestamp": f"2026-11-{1 + number * 20 // count:02d}T10:00:00.000000Z",
                "status": "success",
                "output": "spam" if spam else "ham",
                "input": {"text": " ".join(f"w{dice.randint(0, 300)}" for _ in range(words))},
                "confidence": confidence,
                "program_version": 1 + (number > count // 2),
                "right": dice.random() < confidence * (0.7 if spam else 1.0),
            }
        )
    return made


def sample(name: str, executions: list[dict[str, Any]], seed: str, rate: float = 0.08):
    """All that is chosen of a stream that comes in batches."""
    strategy = make_strategy(config(name), rate, {})
    chosen = []
    for start in range(0, len(executions), 250):
        batch = executions[start : start + 250]
        chosen += choose(strategy, seed, batch)
        strategy.learn(batch)
    return chosen


@pytest.mark.parametrize("name", NAMES)
@given(batches=st.lists(records, max_size=4), rate=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_every_probability_is_between_one_and_twenty_percent(name, batches, rate):
    strategy = make_strategy(config(name), rate, {})
    for batch in batches * 3:
        for record in batch:
            assert 0.01 <= strategy.probability(record) <= 0.20 + 1e-12
        strategy.learn(batch)


@pytest.mark.parametrize("name", NAMES)
@given(batches=st.lists(records, max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_is_learnt_outlives_the_process(name, batches):
    kept: dict[str, Any] = {}
    whole = make_strategy(config(name), 0.1, {})
    for batch in batches * 3:
        anew = make_strategy(config(name), 0.1, kept)
        assert choose(anew, "seed", batch) == choose(whole, "seed", batch)
        anew.learn(batch)
        whole.learn(batch)
        kept = json.loads(json.dumps(kept))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_chooses_the_same_executions_and_another_does_not(name):
    executions = traffic(2000, 1)
    first = [record["execution_id"] for record, _ in sample(name, executions, "a")]
    again = [record["execution_id"] for record, _ in sample(name, executions, "a")]
    other = [record["execution_id"] for record, _ in sample(name, executions, "b")]
    assert first == again != other


@pytest.mark.parametrize("name", NAMES)
def test_weighted_estimates_are_unbiased(name):
    executions = traffic(2500, 2)
    truth = sum(record["right"] for record in executions) / len(executions)
    rights, totals, covered = [], [], 0
    runs = 30
    for run in range(runs):
        chosen = sample(name, executions, f"seed {run}")
        totals.append(estimate_total(share for _, share in chosen))
        share = estimate_share((record["right"], share) for record, share in chosen)
        assert share.value is not None
        rights.append(share.value)
        covered += share.low <= truth <= share.high
    assert abs(_mean(totals) - len(executions)) < 4 * _error_of_mean(totals)
    assert abs(_mean(rights) - truth) < 4 * _error_of_mean(rights)
    assert covered >= 0.8 * runs


def test_without_weights_uncertainty_would_be_biased():
    executions = traffic(4000, 2)
    truth = sum(record["right"] for record in executions) / len(executions)
    chosen = sample("uncertainty", executions, "seed")
    plain = sum(record["right"] for record, _ in chosen) / len(chosen)
    assert truth - plain > 0.05


@pytest.mark.parametrize("name", ["random", "uncertainty", "stratified"])
@pytest.mark.parametrize("rate", [0.02, 0.05, 0.15])
def test_the_rate_is_kept_on_average(name, rate):
    executions = traffic(6000, 3)
    chosen = sample(name, executions, "seed", rate)
    assert len(chosen) / len(executions) == pytest.approx(rate, rel=0.25)


def test_the_least_confident_are_looked_at_first():
    chosen = sample("uncertainty", traffic(4000, 4), "seed", 0.05)
    strategy = make_strategy(config("uncertainty"), 0.05, {})
    strategy.learn([record for record, _ in chosen])
    unsure = {"status": "success", "confidence": 0.2}
    sure = {"status": "success", "confidence": 0.99}
    assert strategy.probability(unsure) == pytest.approx(0.2)
    assert strategy.probability(sure) == pytest.approx(0.01)
    assert strategy.probability({"status": "error"}) == pytest.approx(0.2)


def test_rare_outputs_and_rare_lengths_are_looked_at_more():
    executions = traffic(4000, 5)
    strategy = make_strategy(config("stratified"), 0.05, {})
    strategy.learn(executions[:2000])
    strategy.learn(executions[2000:])
    usual = max(executions, key=strategy.probability)
    common = min(strategy.probability(record) for record in executions)
    rare = {**usual, "output": "never seen"}
    assert strategy.probability(rare) >= strategy.probability(usual) > 3 * common
    assert strategy.probability({**usual, "input": {"text": "x" * 9000}}) > 3 * common


def test_a_new_version_is_looked_at_more_and_ever_less():
    strategy = make_strategy(config("temporal", half_life_hours=6), 0.05, {})
    first = {"timestamp": "2026-11-22T00:00:00Z", "program_version": 2}
    strategy.learn([first])
    later = [
        strategy.probability({**first, "timestamp": f"2026-11-22T{hour:02d}:00:00Z"})
        for hour in (0, 6, 12, 18)
    ]
    assert later == pytest.approx([0.2, 0.125, 0.0875, 0.06875])
    assert strategy.probability({**first, "program_version": 3}) == pytest.approx(0.2)


def test_combined_is_the_weighted_mean_of_its_parts():
    weights = SamplingWeights(random=3, uncertainty=0, stratified=0, temporal=1)
    strategy = make_strategy(config("combined", weights=weights), 0.05, {})
    record = {"timestamp": "2026-11-22T00:00:00Z", "program_version": 2}
    assert strategy.probability(record) == pytest.approx((3 * 0.05 + 0.2) / 4)


@given(st.text(), st.text())
def test_the_dice_are_in_the_unit_interval(seed, name):
    assert 0 <= uniform(seed, name) < 1


def test_the_dice_are_even():
    numbers = sorted(uniform("seed", str(number)) for number in range(10_000))
    gaps = [abs(number - rank / 10_000) for rank, number in enumerate(numbers)]
    assert max(gaps) < 1.63 / math.sqrt(10_000)  # Kolmogorov and Smirnov, at 1 %


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1)), min_size=1))
def test_a_share_lies_in_its_interval(observations):
    share = estimate_share(observations)
    assert share.value is not None
    assert 0 <= share.low <= share.value + 1e-9
    assert share.value <= share.high + 1e-9 <= 1 + 1e-9
    assert 1 - 1e-9 <= share.effective <= share.observed + 1e-9


def test_equal_weights_give_the_plain_wilson_interval():
    sums = ShareSums()
    for number in range(50):
        sums.add(number < 45, 0.1)
    share = sums.share()
    assert (share.low, share.high) == pytest.approx(wilson(0.9, 50))
    assert share.total == pytest.approx(500)


def test_nothing_observed_says_nothing():
    assert estimate_share([]).value is None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _error_of_mean(values: list[float]) -> float:
    mean = _mean(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values) / (len(values) - 1))
