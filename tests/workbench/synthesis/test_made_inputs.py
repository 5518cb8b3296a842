"""Inputs made by machine: valid, varied, the same for a seed; and the small edits they use."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.schema_check import SchemaCheck
from runtime.strict_json import canonical
from workbench.synthesis.edits import KINDS, edit
from workbench.synthesis.made_inputs import make_inputs

ORDER = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 0, "maximum": 500},
        "items": {"type": "integer", "minimum": 1},
        "country": {"enum": ["DE", "FR"]},
        "note": {"type": ["string", "null"], "maxLength": 40},
        "member": {"type": "boolean"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 3},
        "who": {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
    },
    "required": ["amount", "country"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}}},
}
INPUTS = [{"amount": 12.5, "items": 3, "country": "DE", "note": "Please ring the bell, twice!"}]


def test_what_is_made_is_valid_and_each_is_another():
    made = make_inputs(ORDER, INPUTS, 200, 0)
    assert len(made) == 200
    assert all(SchemaCheck(ORDER, "input_schema").is_valid(data) for data in made)
    keys = {canonical(data) for data in made}
    assert len(keys) == 200 and canonical(INPUTS[0]) not in keys


def test_it_is_the_same_for_the_same_seed_and_another_for_another():
    assert make_inputs(ORDER, INPUTS, 50, 7) == make_inputs(ORDER, INPUTS, 50, 7)
    assert make_inputs(ORDER, INPUTS, 50, 7) != make_inputs(ORDER, INPUTS, 50, 8)


def test_it_reaches_the_corners_of_the_schema():
    made = make_inputs(ORDER, INPUTS, 400, 1)
    assert {data["country"] for data in made} == {"DE", "FR"}
    assert any("note" not in data for data in made)
    assert any(data.get("note", "") is None for data in made)
    assert any(data.get("member") is True for data in made)
    assert any(data["amount"] in (0, 500) for data in made)
    assert any(data.get("lines") for data in made)


def test_a_schema_that_says_nothing_still_yields_changed_examples():
    made = make_inputs({"type": "object"}, INPUTS, 20, 0)
    assert len(made) == 20


def test_without_schema_and_examples_there_is_little_to_make():
    assert len(make_inputs({"type": "object"}, [], 20, 0)) <= 1


def test_a_pattern_is_met_by_changing_examples():
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}},
        "required": ["code"],
    }
    made = make_inputs(schema, [{"code": "AB123"}, {"code": "XY9"}], 5, 0)
    assert made and all(data["code"][:2].isupper() for data in made)


@pytest.mark.parametrize(
    ("kind", "given_text", "becomes"),
    [
        ("capitals", "Buy now", "BUY NOW"),
        ("capitals", "BUY NOW", "buy now"),
        ("white space", "one two", "one  two"),
        ("white space", "one", "one "),
        ("punctuation", "Really?", "Really"),
        ("punctuation", "Really", "Really."),
        ("a typo", "a b c", "a b c"),
    ],
)
def test_a_small_edit_of_text_is_what_its_name_says(kind, given_text, becomes):
    assert edit({"text": given_text}, kind, random.Random(0)) == {"text": becomes}


def test_a_typo_swaps_two_letters_inside_a_word():
    edited = edit({"text": "invoice"}, "a typo", random.Random(1))["text"]
    assert edited != "invoice" and sorted(edited) == sorted("invoice")
    assert edited[0] == "i" and edited[-1] == "e"


def test_numbers_change_by_one_per_cent_and_whole_ones_stay_whole():
    edited = edit({"a": 200, "b": 50.0, "c": 3, "d": True}, "numbers ±1 %", random.Random(0))
    assert edited["a"] in (198, 202) and edited["b"] in (49.5, 50.5)
    assert edited["c"] == 3 and edited["d"] is True


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1, max_size=4),
        st.text(max_size=12)
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.none()
        | st.lists(st.text(max_size=5), max_size=3),
        max_size=4,
    ),
    st.sampled_from(KINDS),
    st.integers(0, 5),
)
def test_any_input_can_be_edited_and_keeps_its_shape(data, kind, seed):
    before = canonical(data)
    edited = edit(data, kind, random.Random(seed))
    assert edited.keys() == data.keys() and canonical(data) == before
    assert edit(data, kind, random.Random(seed)) == edited
