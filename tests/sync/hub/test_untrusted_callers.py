"""Whatever a key holder sends: it is taken or refused in words, alike on either database."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import TASK
from tests.sync.hub.test_hub import batch, execution

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "execution_id": st.text(max_size=100) | st.sampled_from(["x" * 64, "y" * 65, "a\0b"]),
        "program_version": st.integers() | st.sampled_from([1, 2**31 - 1, 2**31, 2**63, 2**70]),
        "latency_ms": st.floats() | st.sampled_from([0, 1e12, 1e308]),
        "status": st.sampled_from(["success", "error", "odd"]),
        "timestamp": st.text(max_size=40) | st.sampled_from(["2025-06-01T10:00:00.000000Z"]),
        "input_hash": st.text(max_size=120),
        "input": ANYTHING,
        "output": ANYTHING,
        "error": ANYTHING,
    },
)


def sent(http: httpx.Client, row: dict[str, Any], number: int) -> httpx.Response:
    whole = execution(number, **row)
    body = {"v": 1, "deployment_id": "box-1", "stream": TASK, "key": f"key-{number:06}"}
    rows = [whole, execution(10_000_000 + number)]
    content = json.dumps({**body, "rows": rows}).encode("utf-8", "surrogatepass")
    return http.post("/api/v1/telemetry", content=gzip.compress(content))


def test_a_row_that_no_database_takes_is_rejected_and_the_others_are_kept(hub: Any) -> None:
    count = 0
    with hub.client("edge") as http:

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(ROWS)
        def check(row: dict[str, Any]) -> None:
            nonlocal count
            count += 1
            answer = sent(http, row, count)
            if answer.status_code == 200:
                told = answer.json()
                assert told["accepted"] + told["known"] + told["rejected_count"] == 2
                assert told["accepted"] >= 1
                assert [one["row"] for one in told["rejected"]] in ([], [1])
            else:  # JSON has no NaN
                assert answer.status_code == 422, answer.text

        check()


def test_every_wrong_row_is_named(hub: Any) -> None:
    rows = [execution(number, status="odd") for number in range(500)]
    with hub.client("edge") as http:
        told = http.post("/api/v1/telemetry", content=batch("key-000001", rows)).json()
        assert [one["row"] for one in told["rejected"]] == list(range(1, 501))
        deep = json.loads("[" * 300 + "]" * 300)
        content = batch("key-000002", [execution(1, input=deep), execution(2)])
        told = http.post("/api/v1/telemetry", content=content).json()
        assert (told["accepted"], told["rejected"][0]["row"]) == (1, 1)


def test_a_batch_is_held_to_its_own_key_stream_and_box(hub: Any) -> None:
    with hub.client("edge") as http:
        content = batch("key-000001", [execution(1)])
        other = {"idempotency-key": "key-000002"}
        path = "/api/v1/telemetry"
        assert http.post(path, content=content, headers=other).status_code == 422
        for wrong in (
            batch("key-000001", [], stream="No Slug"),
            batch("key-000001", [], stream=f"{TASK}/other"),
            batch("key-000001", [], stream="x" * 64),
            batch("key-000001", [], deployment="box\n"),
            batch("key\0000001", []),
        ):
            assert http.post(path, content=wrong).status_code == 422
        same = {"idempotency-key": "key-000001"}
        assert http.post(path, content=content, headers=same).json()["accepted"] == 1


def test_odd_names_and_numbers_in_a_path_or_query_are_refused_in_words(hub: Any) -> None:
    huge = "9" * 30
    with hub.client("edge", "publish", "read", "admin") as http:
        for method, path in (
            ("GET", f"/api/v1/artifacts/{TASK}/v{huge}/download"),
            ("GET", f"/api/v1/artifacts/{TASK}/v1/download%00"),
            ("GET", "/api/v1/artifacts/%00/versions"),
            ("GET", "/api/v1/deployments/%00"),
            ("GET", "/api/v1/metrics/%F0%9F%92%A9"),
            ("GET", f"/api/v1/metrics/{TASK}?since=%00"),
            ("GET", f"/api/v1/metrics/{TASK}?since=yesterday"),
            ("GET", f"/api/v1/tickets/{huge}"),
            ("GET", "/api/v1/tickets?state=%00"),
            ("POST", f"/api/v1/tickets/{huge}/close"),
            ("DELETE", "/api/v1/keys/%00"),
            ("GET", f"/api/v1/audit?limit={huge}"),
            ("GET", "/api/v1/audit?limit=0"),
        ):
            answer = http.request(method, path)
            assert answer.status_code in (404, 422), (path, answer.status_code)
            assert answer.headers["content-type"] == "application/problem+json"
        for body in (
            {"deployment_id": "a" * 129},
            {"deployment_id": "box-1", "tasks": {"a": 2**80}},
            {"name": "x\0", "scopes": ["read"]},
            {"name": "x", "scopes": ["root"]},
        ):
            path = "/api/v1/deployments" if "deployment_id" in body else "/api/v1/keys"
            assert http.post(path, json=body).status_code in (201, 422)
        upload = {"package": "", "specification": "\0", "note": "\ud800"}
        path = f"/api/v1/artifacts/{TASK}/upload"
        content = json.dumps(upload)
        assert http.post(path, content=content).status_code == 422
