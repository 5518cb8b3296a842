"""Who gets the candidate: the same callers everywhere, more and more of them, evenly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.rollout.assignment import POINTS, gets_candidate, point

PERCENT = st.integers(0, 100)


def test_the_point_of_a_key_never_changes():
    # Another release, or another language, must come to the same: BLAKE2b, 8 bytes, big-endian.
    assert point(b"rollout-1", b"caller-1") == 0x0F8144549A2595C3
    assert point(b"", b"") == 0xE4A6A0577479B2B4


@given(st.binary(max_size=100), st.binary(), PERCENT, PERCENT)
def test_who_is_in_a_small_share_is_in_a_larger_one(rollout, key, one, other):
    small, large = sorted((one, other))
    assert gets_candidate(rollout, key, small) <= gets_candidate(rollout, key, large)


@given(st.binary(max_size=100), st.binary())
def test_nobody_is_in_no_percent_and_everybody_in_a_hundred(rollout, key):
    assert not gets_candidate(rollout, key, 0)
    assert gets_candidate(rollout, key, 100)
    assert 0 <= point(rollout, key) < POINTS


@given(st.integers(0, 10**6), st.integers(1, 99))
def test_a_share_of_the_callers_is_as_large_as_it_says(number, percent):
    keys = 2000
    taken = sum(
        gets_candidate(b"rollout-%d" % number, b"caller-%d" % key, percent) for key in range(keys)
    )
    # Six standard deviations: it hardly ever happens that chance alone is further off.
    spread = 6 * (keys * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(taken - keys * percent / 100) <= spread


def test_another_rollout_meets_other_callers_first():
    first = {key for key in range(5000) if gets_candidate(b"one", b"%d" % key, 10)}
    second = {key for key in range(5000) if gets_candidate(b"two", b"%d" % key, 10)}
    assert len(first & second) < 0.2 * len(first)
