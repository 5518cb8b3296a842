"""Drift: said when there is some, not when there is none, and never of too little."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.datasets.drift import chi_squared, compare, jensen_shannon, psi
from runtime.datasets.drift_sketch import DriftSketch

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=9),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=4), inner)),
    max_leaves=8,
)
records = st.lists(st.tuples(values, values, st.booleans()), max_size=12)


def sketch(dice: random.Random, count: int, spam: float = 0.5, longer: int = 0) -> DriftSketch:
    made = DriftSketch()
    words = ["buy", "now", "hello", "you", "are", "we", "go", "there", "cheap", "win"]
    for _ in range(count):
        text = " ".join(dice.choice(words) for _ in range(4 + longer + dice.randint(0, 6)))
        amount = dice.lognormvariate(3 + longer, 1)
        value = {"text": text, "amount": amount, "known": dice.random() < 0.5}
        made.add(value, "spam" if dice.random() < spam else "ham")
    return made


def test_equal_traffic_is_called_drift_in_hardly_any_of_many_runs():
    alarms = 0
    for run in range(120):
        dice = random.Random(run)
        drift = compare(sketch(dice, 60), sketch(dice, 150))
        alarms += any(feature.level != "stable" for feature in drift.features)
    # Six features at one in a thousand each.
    assert alarms <= 4


@pytest.mark.parametrize(
    ("changes", "feature"),
    [
        ({"spam": 0.05}, "output"),
        ({"longer": 20}, "input length"),
        ({"longer": 2}, "input.amount"),
    ],
    ids=["outputs", "lengths", "numbers"],
)
def test_a_shift_is_found_where_it_is(changes, feature):
    dice = random.Random(1)
    drift = compare(sketch(dice, 200), sketch(dice, 1000, **changes))
    found = {f.name: f for f in drift.features}
    assert found[feature].level == "alert"
    assert found[feature].js > 0.2
    assert found["input.known"].level == "stable"


def test_a_field_that_was_never_there_is_drift():
    dice = random.Random(1)
    current = sketch(dice, 300)
    for _ in range(300):
        current.add({"new": "thing"}, "ham")
    drift = compare(sketch(dice, 200), current)
    levels = {f.name: f.level for f in drift.features}
    assert levels["input.new"] == levels["input.amount"] == "alert"


def test_too_little_says_nothing():
    dice = random.Random(1)
    for reference, current in ((10, 500), (200, 50), (0, 0)):
        drift = compare(sketch(dice, reference), sketch(dice, current, spam=0.0))
        assert not drift.enough
        assert drift.as_json()["level"] == "unknown"


@given(records, records)
@settings(max_examples=40, deadline=None)
def test_sketches_add_up_and_outlive_json(first, second):
    parts, whole = [DriftSketch(), DriftSketch()], DriftSketch()
    for part, given_records in zip(parts, (first, second), strict=True):
        for value, output, failed in given_records:
            part.add(value, output, failed=failed)
            whole.add(value, output, failed=failed)
    again = DriftSketch.from_json(json.loads(json.dumps(parts[0].as_json())))
    again.merge(DriftSketch.from_json(json.loads(json.dumps(parts[1].as_json()))))
    assert again.count == whole.count
    assert again.outputs == whole.outputs
    assert again.features.keys() == whole.features.keys()
    for name, feature in whole.features.items():
        assert again.features[name].categories == pytest.approx(feature.categories)
        assert again.features[name].numbers.count == feature.numbers.count


shares = st.lists(st.integers(1, 1000), min_size=2, max_size=8)


@given(shares, shares)
def test_index_and_distance_are_what_they_are_defined_as(first, second):
    size = min(len(first), len(second))
    p = [count / sum(first[:size]) for count in first[:size]]
    q = [count / sum(second[:size]) for count in second[:size]]
    assert psi(p, p) == jensen_shannon(p, p) == 0
    assert psi(p, q) == pytest.approx(psi(q, p))
    assert psi(p, q) >= -1e-12
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))
    assert 0 <= jensen_shannon(p, q) <= 1


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 10.828), (5, 20.515), (30, 59.703)])
def test_the_quantile_of_chi_squared_is_that_of_the_tables(freedom, quantile):
    assert chi_squared(freedom) == pytest.approx(quantile, rel=0.04)
