"""The hub over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from websockets.sync.client import connect

from runtime.errors import InvalidInputError, LoopaiError
from sync.hub import tables
from sync.hub.app import open_hub
from sync.hub.store import Store
from sync.signing import Signature, TrustStore, signed_package
from tests.support import TASK, wait_until

SPECIFICATION = "name: spam-detection\n"
HANDSHAKE = '{"protocol":"json","version":1}\x1e'


def upload(http: httpx.Client, package: bytes, task: str = TASK, **more: Any) -> httpx.Response:
    body = {"package": base64.b64encode(package).decode(), "specification": SPECIFICATION, **more}
    return http.post(f"/api/v1/artifacts/{task}/upload", json=body)


def batch(key: str, rows: list[Any], stream: str = TASK, deployment: str = "box-1") -> bytes:
    body = {"v": 1, "deployment_id": deployment, "stream": stream, "key": key, "rows": rows}
    return gzip.compress(json.dumps(body).encode(), mtime=0)


def execution(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "execution_id": f"execution-{number:06d}",
        "program_version": 1,
        "latency_ms": 0.5,
        "status": "success",
        "timestamp": "2025-06-01T10:00:00.000000Z",
        **fields,
    }


def test_a_version_is_published_signed_and_downloaded_as_it_was(
    hub: Any, packages: list[bytes], tmp_path: Path
) -> None:
    with hub.client("publish") as author, hub.client("edge") as box:
        for package in packages:
            answer = upload(author, package, note="better on numbers")
            assert answer.status_code == 201, answer.text
        listed = box.get(f"/api/v1/artifacts/{TASK}/versions").json()["versions"]
        assert [one["version"] for one in listed] == [1, 2]
        assert listed[0]["note"] == "better on numbers"
        assert box.get("/api/v1/artifacts").json() == {"tasks": {TASK: 2}}
        got = box.get(f"/api/v1/artifacts/{TASK}/v2/download")
        assert got.content == packages[1]
        digest = base64.b64encode(hashlib.sha256(packages[1]).digest()).decode()
        assert got.headers["content-digest"] == f"sha-256=:{digest}:"
        trust = TrustStore(tmp_path / "trust.json")
        trust.trust(box.get("/api/v1/signing-key").json()["public"], "asked for")
        signature = Signature.parse(got.headers["loopai-signature"])
        specification = box.get(f"/api/v1/artifacts/{TASK}/v2/task.yaml").text
        trust.check(signed_package(TASK, 2, got.content, specification), signature, "artifact")
        with pytest.raises(LoopaiError):
            trust.check(
                signed_package("other", 2, got.content, specification), signature, "artifact"
            )


def test_a_download_goes_on_where_it_was_cut_and_is_not_repeated_when_known(
    hub: Any, packages: list[bytes]
) -> None:
    with hub.client("publish", "edge") as http:
        upload(http, packages[0])
        path = f"/api/v1/artifacts/{TASK}/v1/download"
        etag = http.get(path).headers["etag"]
        assert http.get(path, headers={"if-none-match": etag}).status_code == 304
        size = len(packages[0])
        for given, first, last in (
            ("bytes=100-", 100, size - 1),
            ("bytes=0-9", 0, 9),
            ("bytes=-7", size - 7, size - 1),
            (f"bytes=5-{size * 2}", 5, size - 1),
        ):
            part = http.get(path, headers={"range": given})
            assert part.status_code == 206
            assert part.content == packages[0][first : last + 1]
            assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert http.get(path, headers={"range": f"bytes={size}-"}).status_code == 416
        stale = http.get(path, headers={"range": "bytes=9-", "if-range": '"other"'})
        assert (stale.status_code, stale.content) == (200, packages[0])


def test_a_version_that_was_changed_in_the_database_is_not_handed_out(
    hub: Any, packages: list[bytes]
) -> None:
    with hub.client("publish", "edge") as http:
        upload(http, packages[0])
        evil = packages[0].replace(b"'ham'", b"'bad'")
        with hub.store.write() as connection:
            connection.execute(update(tables.packages).values(content=evil))
        answer = http.get(f"/api/v1/artifacts/{TASK}/v1/download")
        assert answer.status_code == 500
        assert "damaged" in answer.json()["detail"]


def test_a_version_is_immutable(hub: Any, packages: list[bytes]) -> None:
    with hub.client("publish") as http:
        assert upload(http, packages[0]).status_code == 201
        assert upload(http, packages[0]).status_code == 201  # the very same once more
        other = _with_member(
            packages[1], "metadata.json", lambda d: d["artifact"].update(version=1)
        )
        conflict = upload(http, other)
        assert conflict.status_code == 409
        assert "immutable" in conflict.json()["detail"]


def _with_member(package: bytes, name: str, change: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    data = json.loads(files[name])
    change(data)
    files[name] = json.dumps(data).encode()
    return _zip(files)


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for one, content in files.items():
            archive.writestr(one, content)
    return buffer.getvalue()


def test_what_is_no_version_is_refused_in_words(hub: Any, packages: list[bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(packages[0])) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    with hub.client("publish") as http:
        for wrong in (
            b"",
            b"no zip",
            _zip({}),
            _zip({**files, "program.py": b"import os"}),
            _zip({**files, "../../etc/passwd": b"x"}),
            _zip({name: content for name, content in files.items() if name != "README.md"}),
        ):
            answer = upload(http, wrong)
            assert answer.status_code == 422
            assert answer.json()["detail"]
        for body in (b"[]", b"{}", b"\xff", b'{"package":1}'):
            path = f"/api/v1/artifacts/{TASK}/upload"
            assert http.post(path, content=body).status_code == 422
        assert upload(http, packages[0], task="No Slug").status_code == 422


def test_boxes_register_tell_of_themselves_and_are_listed(hub: Any) -> None:
    with hub.client("edge") as box, hub.client("read") as team:
        assert box.post("/api/v1/deployments/box-1/heartbeat", json={}).status_code == 404
        given = {"deployment_id": "box-1", "mode": "hybrid", "tasks": {TASK: 1}}
        assert box.post("/api/v1/deployments", json=given).status_code == 201
        assert box.post("/api/v1/deployments", json=given).status_code == 201
        beat = {"tasks": {TASK: 2}, "status": {"lag": 3}}
        assert box.post("/api/v1/deployments/box-1/heartbeat", json=beat).json() == {"latest": {}}
        (listed,) = team.get("/api/v1/deployments").json()["deployments"]
        assert (listed["id"], listed["mode"], listed["alive"]) == ("box-1", "hybrid", True)
        assert team.get("/api/v1/deployments/box-1").json()["tasks"] == {TASK: 2}
        assert box.post("/api/v1/deployments", json={"deployment_id": "../x"}).status_code == 422


def test_a_batch_sent_twice_counts_once_and_a_row_in_two_batches_too(hub: Any) -> None:
    rows = [execution(number) for number in range(10)]
    with hub.client("edge") as box, hub.client("read") as team:
        first = batch("key-000001", rows)
        for _ in range(2):
            answer = box.post("/api/v1/telemetry", content=first).json()
            assert answer == {"accepted": 10, "known": 0, "rejected": [], "rejected_count": 0}
        again = batch("key-000002", [*rows[5:], execution(10, status="error")])
        answer = box.post("/api/v1/telemetry", content=again).json()
        assert (answer["accepted"], answer["known"]) == (1, 5)
        (version,) = team.get(f"/api/v1/metrics/{TASK}").json()["versions"]
        assert (version["executions"], version["errors"], version["deployments"]) == (11, 1, 1)
        reused = box.post("/api/v1/telemetry", content=batch("key-000001", []))
        assert reused.status_code == 409


def test_of_a_batch_with_wrong_rows_the_right_ones_are_taken_and_the_others_named(
    hub: Any,
) -> None:
    rows = [execution(1), {"nonsense": 1}, execution(2, latency_ms=-1), 7, execution(3)]
    with hub.client("edge") as box:
        answer = box.post("/api/v1/telemetry", content=batch("key-000001", rows)).json()
        assert answer["accepted"] == 2
        assert [one["row"] for one in answer["rejected"]] == [2, 3, 4]
        for wrong in (b"", b"plain", gzip.compress(b"[]"), gzip.compress(b'{"rows":[]}')):
            assert box.post("/api/v1/telemetry", content=wrong).status_code == 422
        bomb = gzip.compress(b"0" * 60_000_000)
        assert box.post("/api/v1/telemetry", content=bomb).status_code == 422


def test_agreement_is_weighted_by_the_inclusion_probability(hub: Any) -> None:
    rows = [
        {
            "id": f"validation-{number}",
            "execution_id": f"execution-{number}",
            "program_version": 1,
            "match": number > 0,
            "similarity_score": 1.0,
            "validated_at": "2025-06-01T10:00:00.000000Z",
            "inclusion_probability": 0.1 if number == 0 else 1.0,
        }
        for number in range(11)
    ]
    with hub.client("edge", "read") as http:
        body = batch("key-000001", rows, f"{TASK}/validations")
        assert http.post("/api/v1/telemetry", content=body).json()["accepted"] == 11
        (version,) = http.get(f"/api/v1/metrics/{TASK}").json()["versions"]
        assert version["validated"] == 11
        assert version["mismatches"] == 1
        assert version["agreement"] == pytest.approx(0.5)


def test_boxes_are_told_of_a_new_version_at_once_and_only_their_tenant_s(
    hub: Any, packages: list[bytes]
) -> None:
    address = hub.url.replace("http", "ws") + "/hubs/loopai?access_token="
    with (
        connect(address + hub.new_key("edge")) as box,
        connect(address + hub.new_key("edge", tenant="rival")) as other,
        hub.client("publish") as author,
        hub.client("edge", "read") as team,
    ):
        for socket in (box, other):
            socket.send(HANDSHAKE)
            assert socket.recv() == "{}\x1e"
        assert upload(author, packages[0]).json()["notified"] == 1
        told = json.loads(box.recv(timeout=5).rstrip("\x1e"))
        assert (told["target"], told["arguments"]) == ("OnNewArtifactAvailable", [TASK, 1])
        team.post("/api/v1/deployments", json={"deployment_id": "box-1"})
        beat = {"type": 1, "invocationId": "1", "target": "Heartbeat"}
        box.send(json.dumps({**beat, "arguments": ["box-1", {"tasks": {TASK: 1}}]}) + "\x1e")
        assert json.loads(box.recv(timeout=5).rstrip("\x1e"))["result"] is None
        wait_until(lambda: team.get("/api/v1/deployments/box-1").json()["tasks"] == {TASK: 1})
        box.send(json.dumps({**beat, "arguments": ["nobody", {}]}) + "\x1e")
        assert "no deployment" in json.loads(box.recv(timeout=5).rstrip("\x1e"))["error"]
        with pytest.raises(TimeoutError):
            other.recv(timeout=0.2)


def test_who_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    from tests.sync.conftest import RunningHub

    hub = RunningHub(tmp_path / "hub", None, per_minute=5)
    try:
        with hub.client("read") as eager, hub.client("read") as other:
            answers = [eager.get("/api/v1/tickets") for _ in range(8)]
            assert [one.status_code for one in answers[:5]] == [200] * 5
            assert answers[-1].status_code == 429
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
            assert other.get("/api/v1/tickets").status_code == 200
            assert eager.get("/health").status_code == 200
    finally:
        hub.stop()


def test_a_database_of_a_later_release_and_one_that_is_not_there_are_said_so(
    tmp_path: Path,
) -> None:
    store, _ = open_hub(tmp_path)
    with store.write() as connection:
        connection.execute(update(tables.facts).values(value="99"))
    store.close()
    with pytest.raises(LoopaiError, match="format version 99"):
        open_hub(tmp_path)
    with pytest.raises(InvalidInputError, match="malformed"):
        Store("not a url")
    with pytest.raises(LoopaiError, match="cannot be used") as error:
        Store("postgresql://someone:secret@127.0.0.1:1/x")
    assert "secret" not in str(error.value)
