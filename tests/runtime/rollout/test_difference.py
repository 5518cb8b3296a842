"""The always-valid test: no bet is unfair, it forgets nothing, and it sees what is there."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.rollout.difference import BASELINE, CANDIDATE, DifferenceTest, Expected, place_bet
from tests.benchmarks.many_tests import ManyTests

SHARE = st.floats(0, 1)
INSIDE = st.floats(0.001, 0.999)
COUNT = st.integers(1, 500)
NULL = st.floats(-1, 1)
SIGN = st.sampled_from((1, -1))


EXPECTED = st.builds(Expected, INSIDE, st.floats(1, 20), st.floats(1, 50))


@given(EXPECTED, EXPECTED, COUNT, COUNT, NULL, SIGN)
def test_no_bet_can_lose_everything(a, b, n_a, n_b, null, sign):
    bet = place_bet(a, b, n_a, n_b, null, sign)
    for value in (0.0, 0.5, 1.0):
        assert 1 + a.most * bet.stake_a * (value - bet.middle_a) > 0
        assert 1 + b.most * bet.stake_b * (value - bet.middle_b) > 0


@given(EXPECTED, EXPECTED, COUNT, COUNT, SIGN, SHARE, SHARE, SHARE)
def test_under_its_null_a_bet_wins_nothing_on_average(a, b, n_a, n_b, sign, true_a, true_b, more):
    null = true_a - true_b + sign * more  # so the null holds
    bet = place_bet(a, b, n_a, n_b, null, sign)
    # A block's expected factor: every value is drawn by itself, so the means multiply.
    factor_a = 1 + bet.stake_a * (true_a - bet.middle_a)
    factor_b = 1 + bet.stake_b * (true_b - bet.middle_b)
    assert n_a * np.log(factor_a) + n_b * np.log(factor_b) <= 1e-6


VALUES = st.lists(
    st.tuples(st.sampled_from((CANDIDATE, BASELINE)), st.booleans(), st.sampled_from((0.05, 0.2))),
    max_size=300,
)


@settings(max_examples=30, deadline=None)
@given(VALUES, VALUES)
def test_what_is_kept_and_read_again_goes_on_the_same(first, second):
    straight, kept = DifferenceTest((0.0, 0.02)), DifferenceTest((0.0, 0.02))
    for arm, value, probability in first:
        straight.add(arm, float(value), probability)
        kept.add(arm, float(value), probability)
    kept = DifferenceTest.from_json(json.loads(json.dumps(kept.as_json())))
    for arm, value, probability in second:
        straight.add(arm, float(value), probability)
        kept.add(arm, float(value), probability)
    assert kept.as_json() == straight.as_json()


@pytest.mark.parametrize("percent", [10, 50])
def test_the_simulation_bets_as_the_steward_does(percent):
    source = random.Random(percent)
    strata = ((0.05, 0.2), (0.1, 0.02))
    one, many = DifferenceTest((0.0, 0.05)), ManyTests(1, 0.0, 0.05, strata)
    block = np.zeros((1, 2, 2, 2))
    for _ in range(4000):
        arm = CANDIDATE if source.random() < percent / 100 else BASELINE
        value = source.random() < (0.2 if arm == CANDIDATE else 0.1)
        stratum = int(source.random() < 0.4)
        one.add(arm, float(value), strata[arm][stratum])
        block[0, arm, int(value), stratum] += 1
        if block[0].sum(axis=(1, 2)).min() >= many.needed(np.array([0]))[0]:
            many.add_block(np.array([0]), block)
            block = np.zeros((1, 2, 2, 2))
    state = one.as_json()
    at = one.nulls.index(0.0), one.nulls.index(0.05)
    assert many.most[0, 0] == pytest.approx(state["most_above"][at[0]])
    assert many.most[0, 1] == pytest.approx(state["most_below"][at[1]])
    assert many.counts[0].tolist() == state["counts"]


def filled(mean_a, mean_b, count, seed=1, share=0.5):
    source, test = random.Random(seed), DifferenceTest((0.0, 0.05))
    for _ in range(count):
        arm = CANDIDATE if source.random() < share else BASELINE
        test.add(arm, float(source.random() < (mean_a if arm == CANDIDATE else mean_b)))
    return test


def test_a_clear_loss_is_shown_and_its_interval_lies_around_it():
    test = filled(0.2, 0.1, 4000)
    assert test.shows_above(0.0, 0.005)
    lower, upper = test.interval(0.005, 0.05)
    assert 0 < lower < 0.1 < upper < 0.2


def test_an_equal_version_is_shown_to_be_within_the_margin():
    test = filled(0.1, 0.1, 8000)
    assert not test.shows_above(0.0, 0.005)
    assert test.shows_below(0.05, 0.05)
    lower, upper = test.interval(0.005, 0.05)
    assert lower < 0 < upper <= 0.05


def test_nothing_is_said_before_anything_is_known():
    test = DifferenceTest((0.0,))
    assert test.interval(0.05, 0.05) == (-1.0, 1.0)
    assert test.mean(CANDIDATE) is None
    for _ in range(3):
        test.add(CANDIDATE, 1.0)
        test.add(BASELINE, 0.0)
    assert not test.shows_above(0.0, 0.05)


def test_samples_of_unequal_probability_are_weighed_so_that_the_means_are_everybodys():
    source, test = random.Random(3), DifferenceTest((0.0,))
    for _ in range(60_000):
        wrong = source.random() < 0.1
        probability = 0.5 if wrong else 0.1
        if source.random() < probability:
            test.add(source.randrange(2), float(wrong), probability)
    assert test.mean(CANDIDATE) == pytest.approx(0.1, abs=0.02)
    assert test.mean(BASELINE) == pytest.approx(0.1, abs=0.02)
