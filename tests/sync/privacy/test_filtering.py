"""What leaves in each privacy mode, and what never does."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.config import DeploymentConfig
from runtime.config_sections import PrivacyConfig, TelemetryConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.models import PrivacyMode
from runtime.steward.observer import Batch
from runtime.tasks import load_task, write_task
from sync.privacy.filtering import PrivacyFilter
from sync.telemetry_observer import ToldRows
from tests.support import TASK, make_task

KEY = b"a box's own secret, 32 bytes long"
EMAIL = "jane.doe@example.com"
CARD = 4111111111111111
EXECUTION: dict[str, Any] = {
    "v": 1,
    "execution_id": "018f0000-0000-7000-8000-000000000001",
    "program_version": 3,
    "input": {
        "text": f"I am {EMAIL}, call 202-555-0182",
        "card": CARD,
        EMAIL: {"nested": [f"again {EMAIL}"]},
        "customer": {"id": 17, "note": "likes tea"},
    },
    "output": {"contact": EMAIL, "kind": "complaint"},
    "status": "success",
    "latency_ms": 0.3,
    "timestamp": "2026-11-22T10:00:00.000000Z",
}


def _filter(mode: str, **settings: Any) -> PrivacyFilter:
    return PrivacyFilter(PrivacyMode(mode), KEY, **settings)


def test_strict_tells_no_input_and_no_output_even_of_a_sample_with_rules() -> None:
    strict = _filter("strict", fields={"customer": "keep"})
    told = json.dumps(strict.summary(EXECUTION, sampled=True))
    for secret in (EMAIL, "202-555", str(CARD), "tea", "complaint", "customer", "nested"):
        assert secret not in told
    record = {"id": "1", "match": False, "output": "a", "oracle_output": EMAIL, "input": {}}
    assert strict.validation(record) == {"id": "1", "match": False}


def test_balanced_tells_of_a_sample_without_personal_data_and_of_others_only_hashes() -> None:
    balanced = _filter("balanced")
    other = balanced.summary(EXECUTION, sampled=False)
    assert other is not None
    assert {"input", "output"} & other.keys() == set()
    sample = balanced.summary(EXECUTION, sampled=True)
    assert sample is not None
    told = json.dumps(sample)
    for secret in (EMAIL, "202-555", str(CARD)):
        assert secret not in told
    assert sample["output"]["kind"] == "complaint"
    assert sample["input"]["customer"] == {"id": 17, "note": "likes tea"}
    assert balanced.counts["EMAIL"] == 4


def test_the_same_value_has_the_same_token_however_it_is_written() -> None:
    balanced = _filter("balanced")
    sample = balanced.summary(EXECUTION, sampled=True)
    assert sample is not None
    token = sample["output"]["contact"]
    assert token.startswith("[EMAIL:")
    assert token in sample["input"]["text"]
    assert token in sample["input"]
    wide = {**EXECUTION, "output": "JANE.DOE@example\u200b.com"}
    again = balanced.summary(wide, sampled=True)
    assert again is not None
    assert again["output"] == token


def test_another_box_makes_other_tokens_and_hashes() -> None:
    ours = _filter("balanced").summary(EXECUTION, sampled=True)
    theirs = PrivacyFilter(PrivacyMode.BALANCED, b"other").summary(EXECUTION, sampled=True)
    assert ours is not None
    assert theirs is not None
    assert ours["input_hash"] != theirs["input_hash"]
    assert ours["output"]["contact"] != theirs["output"]["contact"]


def test_permissive_tells_all_but_what_a_rule_holds_back() -> None:
    rules = {"card": "hash", "customer.note": "drop", "text": "redact"}
    told = _filter("permissive", fields=rules).summary(EXECUTION, sampled=False)
    assert told is not None
    assert told["input"][EMAIL] == {"nested": [f"again {EMAIL}"]}
    assert told["input"]["card"].startswith("hmac-sha256:")
    assert told["input"]["customer"] == {"id": 17}
    assert EMAIL not in told["input"]["text"]


def test_rules_reach_into_lists_and_longer_ones_win() -> None:
    execution = {**EXECUTION, "input": {"people": [{"name": "Ann", "age": 4}, {"name": "Bo"}]}}
    rules = {"people": "keep", "people.*.name": "drop"}
    told = _filter("balanced", fields=rules).summary(execution, sampled=True)
    assert told is not None
    assert told["input"] == {"people": [{"age": 4}, {}]}


def test_settings_hold_inputs_or_whole_executions_back() -> None:
    hashed = _filter("balanced", settings=PrivacyConfig(hash_inputs=True))
    told = hashed.summary(EXECUTION, sampled=True)
    assert told is not None
    assert "input" not in told
    only = _filter("permissive", settings=PrivacyConfig(sample_only=True))
    assert only.summary(EXECUTION, sampled=False) is None


def test_an_error_message_is_redacted_too() -> None:
    error = {"type": "ValueError", "message": f"no such user: {EMAIL}", "line": 3}
    for mode in ("balanced", "permissive"):
        told = _filter(mode).summary({**EXECUTION, "error": error}, sampled=True)
        assert told is not None
        assert EMAIL not in json.dumps(told["error"])


def test_a_task_says_in_its_file_what_may_leave_of_single_fields(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    make_task(data_dir)
    file = data_dir.task_file(TASK)
    file.write_text(file.read_text() + "privacy:\n  fields: {customer.note: drop, text: hash}\n")
    told = ToldRows(
        data_dir, DeploymentConfig(telemetry=TelemetryConfig(privacy_mode="permissive"))
    )
    [row] = told.of(TASK, Batch([EXECUTION], day=date(2026, 11, 22), malformed=0))
    assert row["input"]["customer"] == {"id": 17}
    assert row["input"]["text"].startswith("hmac-sha256:")
    assert row["input"]["card"] == CARD
    again = load_task(data_dir, TASK, with_examples=False)
    write_task(data_dir, again)
    assert load_task(data_dir, TASK, with_examples=False).privacy.fields == again.privacy.fields


@pytest.mark.parametrize("rules", ["{text: hide}", "[text]"])
def test_a_rule_that_is_none_is_named_with_its_line(tmp_path: Path, rules: str) -> None:
    data_dir = DataDir(tmp_path)
    make_task(data_dir)
    file = data_dir.task_file(TASK)
    file.write_text(file.read_text() + f"privacy:\n  fields: {rules}\n")
    with pytest.raises(InvalidInputError, match=r"task.yaml:\d+ \(privacy.fields"):
        load_task(data_dir, TASK, with_examples=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["strict", "balanced", "permissive"]), st.booleans())
def test_any_value_is_filtered_to_json(value: Any, mode: str, sampled: bool) -> None:
    told = _filter(mode).summary({**EXECUTION, "input": value}, sampled=sampled)
    json.dumps(told)


@given(JSON)
def test_where_the_secret_is_put_makes_no_difference(value: Any) -> None:
    planted = {"a": [value, {f"x {EMAIL}": {"deep": [EMAIL, value]}}]}
    told = _filter("balanced").summary({**EXECUTION, "input": planted}, sampled=True)
    assert EMAIL not in json.dumps(told)


@pytest.mark.parametrize("depth", [150, 5000])
def test_a_value_nested_beyond_reason_is_cut_not_fatal(depth: int) -> None:
    value: Any = EMAIL
    for _ in range(depth):
        value = [value]
    balanced = _filter("balanced")
    assert EMAIL not in str(balanced._rules.apply(value).value)
