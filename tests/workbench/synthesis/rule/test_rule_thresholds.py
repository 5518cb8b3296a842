"""Numbers are cut where the examples leave room, at the shortest number there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.synthesis.rule.thresholds import MAX_CUTS, cut_points, round_between

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)


@given(NUMBERS, NUMBERS)
def test_a_cut_leaves_the_lower_number_below_and_the_higher_above(one, other):
    low, high = sorted((one, other))
    if low < high:
        cut = round_between(low, high)
        assert low <= cut < high or not low < low + (high - low) / 2 < high


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_whole_numbers_are_cut_at_a_whole_number(low, gap):
    cut = round_between(low, low + gap, whole=True)
    assert isinstance(cut, int)
    assert low <= cut < low + gap


def test_a_cut_is_the_number_a_person_would_choose():
    assert round_between(2.9, 3.2) == 3.0
    assert round_between(90, 120, whole=True) == 100
    assert round_between(0.0612, 0.0707) == 0.065
    assert round_between(3, 4, whole=True) == 3


@given(st.lists(st.one_of(NUMBERS, st.just(float("nan"))), max_size=120))
def test_cuts_are_few_ascending_and_inside_the_values(values):
    cuts = cut_points(np.array(values, dtype=np.float64))
    assert len(cuts) <= MAX_CUTS
    assert cuts == sorted(cuts)
    present = [value for value in values if value == value]
    assert all(min(present) <= cut <= max(present) for cut in cuts)


def test_values_that_differ_by_rounding_alone_are_not_cut():
    third = np.array([1 / 3, 0.1 + 0.2 + 1 / 30, 1 - 2 / 3])
    assert cut_points(third) == []
