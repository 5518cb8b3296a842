"""When an answer counts as right: exact, fuzzy, semantic, and objects field by field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.models import ComparisonRule, ValidationSettings
from runtime.validation.comparison import Comparisons, Exact
from runtime.validation.fuzzy import Fuzzy
from runtime.validation.oracle import OracleUnavailableError
from runtime.validation.semantic import Semantic

VECTORS = {"car": [1.0, 0.1], "automobile": [0.95, 0.15], "banana": [0.0, 1.0]}


def embed(texts):
    return [VECTORS[text] for text in texts]


def compare(expected, got, schema=None, embedder=embed, **settings):
    comparators = {"exact": Exact(), "fuzzy": Fuzzy(), "semantic": Semantic(embedder)}
    wanted = ValidationSettings.model_validate(settings)
    return Comparisons(wanted, schema or {}, comparators).compare(expected, got)


def test_exact_means_the_same_json_value():
    assert compare({"a": 1, "b": [1]}, {"b": [1.0], "a": 1}).match
    assert not compare(True, 1).match
    assert not compare("Spam", "spam").match


def test_a_number_may_be_off_by_the_tolerance_of_its_schema_or_its_rule():
    schema = {"properties": {"price": {"type": "number", "x-tolerance": 0.5}}}
    assert compare({"price": 10}, {"price": 10.4}, schema).match
    assert not compare({"price": 10}, {"price": 10.6}, schema).match
    fields = {"price": {"tolerance": 2}}
    assert compare({"price": 10}, {"price": 11.9}, schema, fields=fields).match
    assert compare(10, 9).similarity == pytest.approx(0.9)


def test_an_object_is_as_right_as_its_fields_and_says_by_how_much():
    found = compare({"a": 1, "b": "x", "c": True, "d": 4}, {"a": 1, "b": "x", "c": False})
    assert (found.match, found.similarity, found.method) == (False, 0.5, "exact")


def test_fuzzy_forgives_spelling_case_and_order_up_to_a_threshold_by_field():
    fields = {
        "title": {"comparison": "fuzzy", "threshold": 0.8},
        "person.name": {"comparison": "fuzzy"},
    }
    expected = {"title": "Broken kettle handle", "person": {"name": "Grace Hopper"}, "id": "A1"}
    got = {"title": "broken ketle handle", "person": {"name": "hopper  grace"}, "id": "A1"}
    found = compare(expected, got, fields=fields)
    assert found.match and found.method == "fuzzy" and 0.9 < found.similarity < 1
    assert not compare(expected, {**got, "id": "a1"}, fields=fields).match
    assert not compare("kettle", "toaster", comparison="fuzzy").match


def test_lists_are_compared_one_by_one_and_what_is_missing_counts():
    found = compare(["red", "green"], ["Red"], comparison="fuzzy")
    assert (found.match, found.similarity) == (False, 0.5)


def test_semantic_goes_by_meaning_and_says_when_it_had_to_go_by_words():
    found = compare("car", "automobile", comparison="semantic")
    assert found.match and found.method == "semantic"
    assert not compare("car", "banana", comparison="semantic").match

    def away(texts):
        raise OracleUnavailableError("no server")

    found = compare("a red car", "car a red", embedder=away, comparison="semantic")
    assert found.match and found.method == "fuzzy"
    assert not compare("car", "automobile", embedder=away, comparison="semantic").match


def test_embeddings_are_asked_for_once_and_not_at_all_while_the_server_is_away():
    asked = []

    def count(texts):
        asked.append(list(texts))
        raise OracleUnavailableError("no server")

    semantic = Semantic(count, monotonic=lambda: 0.0)
    for _ in range(3):
        semantic.compare("car", "banana", ComparisonRule(), {})
    assert len(asked) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(json_values, json_values, st.sampled_from(["exact", "fuzzy"]))
def test_similarity_is_a_share_and_everything_matches_itself(one, other, method):
    same = compare(one, one, comparison=method)
    assert same.match and same.similarity == 1
    found = compare(one, other, comparison=method)
    assert 0 <= found.similarity <= 1
    back = compare(other, one, comparison=method)
    assert (back.match, back.similarity) == (found.match, pytest.approx(found.similarity))
