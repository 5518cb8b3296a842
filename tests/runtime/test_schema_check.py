"""JSON Schema: what is wrong and where, in schemas and in values; nothing is ever fetched."""

from __future__ import annotations

import http.server
import threading

import pytest

from runtime.schema_check import SchemaCheck, SchemaError, SchemaFailure, pointer

ORDER = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "number"}}},
    "required": ["id"],
    "additionalProperties": False,
}


def test_a_valid_value_has_no_failures():
    check = SchemaCheck(ORDER, "input_schema")
    assert check.is_valid({"id": 1}) is False
    assert SchemaCheck({**ORDER, "additionalProperties": True}, "s").errors({"id": 1}) == []


def test_failures_name_their_place_as_a_json_pointer():
    failures = SchemaCheck(ORDER, "input_schema").errors({"items": [1, "two"], "more": 1})
    assert SchemaFailure("/items/1", '"two" is not of type "number"') in failures
    assert {failure.path for failure in failures} == {"/items/1", ""}
    assert pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"


def test_a_message_about_a_huge_value_is_short_and_failures_are_few():
    check = SchemaCheck({"type": "array", "items": {"type": "number"}}, "s")
    failures = check.errors(["x" * 1_000_000] * 100)
    assert len(failures) == 20
    assert len(failures[0].message) < 400


@pytest.mark.parametrize("value", ["\ud800", {1: 2}, {"a": b"bytes"}])
def test_a_value_that_is_no_json_is_a_failure_not_a_crash(value):
    check = SchemaCheck({"type": "object", "maxProperties": 0}, "s")
    assert check.errors(value)


@pytest.mark.parametrize(
    ("schema", "field", "words"),
    [
        ({"type": "strng"}, "s.type", "Known types"),
        ({"properties": {"a": {"type": 3}}}, "s.properties.a.type", "3 is no type"),
        ({"properties": {"a": {"pattern": "("}}}, "s.properties.a.pattern", "regex"),
        ({"minimum": "1"}, "s.minimum", "number"),
        ({"$ref": "#/nope"}, "s", "does not exist"),
        ({"$schema": "https://example.invalid/own"}, "s", "example.invalid"),
        (3, "s", "boolean"),
        ({"const": {1: 2}}, "s", "cannot be compiled"),
    ],
)
def test_a_schema_that_is_none_is_refused_with_its_place(schema, field, words):
    with pytest.raises(SchemaError) as refusal:
        SchemaCheck(schema, "s")
    (problem,) = refusal.value.problems
    assert problem.field == field
    assert words in str(problem)
    assert "Traceback" not in str(problem)


def test_a_schema_nested_past_reason_is_refused():
    schema: dict = {}
    for _ in range(1000):
        schema = {"not": schema}
    with pytest.raises(SchemaError):
        SchemaCheck(schema, "s")


def test_references_outside_the_schema_are_refused_and_never_fetched(tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / "other.json").write_text("{}")
    for target in (f"http://127.0.0.1:{server.server_port}/x", f"file://{tmp_path}/other.json"):
        with pytest.raises(SchemaError, match="Nothing is fetched"):
            SchemaCheck({"properties": {"a": {"$ref": target}}}, "s")
    server.shutdown()
    thread.join()
    server.server_close()
    assert asked == []


def test_draft_7_is_understood_when_named_and_2020_12_otherwise():
    tuple_schema = {"items": [{"type": "number"}]}
    draft_7 = {"$schema": "http://json-schema.org/draft-07/schema#", **tuple_schema}
    assert not SchemaCheck(draft_7, "s").is_valid(["a"])
    with pytest.raises(SchemaError):
        SchemaCheck(tuple_schema, "s")


def test_a_pattern_made_to_backtrack_is_answered_at_once():
    check = SchemaCheck({"pattern": "^(a+)+$"}, "s")
    assert not check.is_valid("a" * 50 + "b")
