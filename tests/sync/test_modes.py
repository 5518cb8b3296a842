"""`runtime.mode`: each of its three words through real processes, with a hub and without."""

from __future__ import annotations

import base64
import json
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.artifacts import ArtifactStore
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from tests.support import (
    INPUT_SCHEMA,
    TASK,
    RunningRuntime,
    add_version,
    children_of,
    logged,
    make_task,
    server_folder,
    wait_until,
)
from tests.sync.hub_process import HubProcess

SETTINGS = "cloud: {api_url: '%s', api_key: '${HUB_KEY}'}\n"


def settings(data_dir: DataDir, text: str) -> DataDir:
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    data_dir.deployment_file.write_text("execution: {sandbox_workers: 1}\n" + text)
    return data_dir


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with one version of one task."""
    running = HubProcess(tmp_path_factory.mktemp("modes") / "hub")
    author = DataDir(running.folder.parent / "author")
    version = add_version(author, make_task(author))
    body = {
        "package": base64.b64encode(ArtifactStore(author).zip_bytes(TASK, version)).decode(),
        "specification": author.task_file(TASK).read_text(),
    }
    with running.client("publish") as http:
        assert http.post(f"/api/v1/artifacts/{TASK}/upload", json=body).status_code == 201
    yield running
    running.stop()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, hub: HubProcess) -> Iterator[RunningRuntime]:
    """A central box that holds nothing but its settings."""
    folder = DataDir(tmp_path_factory.mktemp("central") / "box")
    data_dir = settings(folder, "runtime: {mode: central}\n" + SETTINGS % hub.url)
    key = hub.new_key("execute", "edge")
    with RunningRuntime(data_dir, environment={"HUB_KEY": key}) as running:
        yield running


def is_agent(pid: int) -> bool:
    try:
        return b"sync.agent_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_an_edge_asks_no_hub_even_where_one_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        data_dir = settings(server_folder(tmp_path), "runtime: {mode: edge}\n" + SETTINGS % url)
        with RunningRuntime(data_dir, steward=True) as box:  # the hub's key is not even set
            assert box.execute({"text": "buy"}).json()["output"] == "spam"
            box.steward_pid()
            assert not [pid for pid in children_of(box.process.pid) if is_agent(pid)]
            assert select.select([nobody], [], [], 0)[0] == []


def test_a_central_box_executes_at_the_hub_and_nowhere_else(
    hub: HubProcess, box: RunningRuntime
) -> None:
    at_hub = DataDir(hub.folder / "tenants" / "acme")
    before = len(logged(at_hub)) if at_hub.executions(TASK).exists() else 0
    answer = box.execute({"text": "buy now"})
    assert (answer.status_code, answer.json()["output"]) == (200, "spam")
    assert box.execute({"text": "hello"}, TASK).json()["output"] == "ham"
    lines = "".join(json.dumps({"input": {"text": f"buy {n}"}}) + "\n" for n in range(100))
    lines += '{"input": 7}\n'
    headers = {"content-type": "application/x-ndjson"}
    batch = box.http.post("/execute/batch", content=lines, headers=headers)
    told = [json.loads(line) for line in batch.text.splitlines()]
    assert [one.get("output") for one in told] == ["spam"] * 100 + [None]
    assert told[-1]["status"] == 422
    ids = {answer.json()["execution_id"], *(one["execution_id"] for one in told[:-1])}
    # Logged once, where it was executed.
    done = logged(at_hub)
    assert len(done) == before + 102
    assert ids <= {record["execution_id"] for record in done}
    assert not box.data_dir.executions(TASK).exists()
    # What is there is the hub's to say, and the box has told the hub of itself.
    assert box.http.get("/ready").status_code == 200
    assert [one["name"] for one in box.http.get("/v1/tasks").json()["tasks"]] == [TASK]
    assert box.http.get(f"/v1/tasks/{TASK}").json()["input_schema"] == INPUT_SCHEMA
    with hub.client("read") as team:
        deployments = "/api/v1/deployments"
        told_of = wait_until(lambda: team.get(deployments).json()["deployments"])
        assert all((one["mode"], one["tasks"]) == ("central", {}) for one in told_of)


def test_what_fails_at_the_hub_is_told_as_it_would_be_here(
    hub: HubProcess, box: RunningRuntime
) -> None:
    for text, status, kind in (
        ("crash", 502, "program-error"),
        ("eggs", 502, "invalid-output"),
        ("loop", 504, "timeout"),
    ):
        answer = box.execute({"text": text})
        assert (answer.status_code, answer.json()["type"]) == (
            status,
            f"urn:loopai:problem:{kind}",
        )
    named = box.http.post(
        "/execute", json={"input": {"text": "crash"}}, headers={"x-request-id": "mine-7"}
    )
    assert named.headers["x-request-id"] == named.json()["request_id"] == "mine-7"
    assert named.text.count("request_id") == 1
    assert box.execute({"text": 7}).json()["errors"][0]["path"] == "/input/text"
    assert box.execute({}, "no-such-task").status_code == 404
    assert box.execute({}, "../tenants").status_code == 404
    assert box.http.post("/execute", content=b"{").status_code == 400


def test_a_schema_that_the_box_has_is_checked_without_asking(
    tmp_path: Path, hub: HubProcess
) -> None:
    data_dir = DataDir(tmp_path / "box")
    make_task(data_dir)
    settings(data_dir, "runtime: {mode: central}\n" + SETTINGS % "http://127.0.0.1:1")
    with RunningRuntime(data_dir, environment={"HUB_KEY": "none"}) as box:
        assert box.execute({"text": 7}).status_code == 422
        assert box.execute({"text": "buy"}).status_code == 503


def test_a_hub_that_is_away_is_503_and_its_return_is_noticed(
    hub: HubProcess, box: RunningRuntime
) -> None:
    with hub.stopped():
        for answer in (box.execute({"text": "buy"}), box.http.get("/ready")):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"] == "urn:loopai:problem:hub-unavailable"
            assert int(answer.headers["retry-after"]) >= 1
        batch = box.http.post("/execute/batch", json=[{"input": {"text": "buy"}}] * 3)
        assert [one["status"] for one in batch.json()] == [503] * 3
        assert box.http.get("/health").status_code == 200
    assert box.execute({"text": "buy"}).json()["output"] == "spam"


def test_callers_keys_stay_at_the_box_and_its_own_stays_its_secret(
    tmp_path: Path, hub: HubProcess
) -> None:
    key = hub.new_key("edge")  # may not execute
    data_dir = settings(
        DataDir(tmp_path / "box"), f"runtime: {{mode: central}}\n{SETTINGS % hub.url}"
    )
    environment = {"HUB_KEY": key, "LOOPAI_SERVE_KEY": "callers-key-of-this-box"}
    with RunningRuntime(data_dir, environment=environment) as box:
        for given in (None, key, "wrong"):
            headers = {"authorization": f"Bearer {given}"} if given else {}
            refused = box.http.post("/execute", json={"input": {"text": "buy"}}, headers=headers)
            assert refused.status_code == 401
        box.http.headers["authorization"] = "Bearer callers-key-of-this-box"
        refused = box.execute({"text": "buy"})
        # The caller's key is good; it is this box's that may not.
        assert refused.status_code == 503
        assert "this box's key (403)" in refused.json()["detail"]
        assert key not in refused.text and key not in box.errors()


@pytest.mark.thorough
def test_a_hybrid_box_serves_without_the_hub_and_improves_through_it(
    tmp_path: Path, hub: HubProcess
) -> None:
    text = "telemetry: {upload_interval_sec: 0.1}\nruntime: {mode: hybrid}\n" + SETTINGS % hub.url
    data_dir = settings(server_folder(tmp_path), text)
    tenant = "improving"
    key = hub.new_key("edge", tenant=tenant)
    with hub.stopped():
        box = RunningRuntime(data_dir, steward=True, environment={"HUB_KEY": key})
        assert box.execute({"text": "buy"}).json()["output"] == "spam"
    with box:
        author = DataDir(tmp_path / "author")
        task = make_task(author)
        add_version(author, task)
        second = 'def run(input_data):\n    return "ham"\n'
        version = add_version(author, task, second)
        body = {
            "package": base64.b64encode(ArtifactStore(author).zip_bytes(TASK, version)).decode(),
            "specification": author.task_file(TASK).read_text(),
        }
        with hub.client("publish", "read", tenant=tenant) as http:
            assert http.post(f"/api/v1/artifacts/{TASK}/upload", json=body).status_code == 201
            wait_until(
                lambda: box.execute({"text": "buy"}).json()["program_version"] == version, 60
            )
            assert len(logged(data_dir)) >= 2

            def told() -> bool:
                found = http.get(f"/api/v1/metrics/{TASK}").json()["versions"]
                return {1, version} <= {one["version"] for one in found if one["executions"]}

            wait_until(told, 60)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("runtime: {mode: central}\n", "runtime.mode"),
        ("runtime: {mode: hybrid}\n", "runtime.mode"),
        (
            "runtime: {mode: central}\ncloud: {api_url: 'https://hub.example'}\n"
            "telemetry: {privacy_mode: strict}\n",
            "telemetry.privacy_mode",
        ),
    ],
)
def test_modes_that_contradict_other_settings_are_refused_in_words(
    tmp_path: Path, text: str, field: str
) -> None:
    data_dir = settings(DataDir(tmp_path), text)
    with pytest.raises(InvalidInputError) as caught:
        load_deployment(data_dir.deployment_file)
    assert caught.value.problems[0].field == field


def test_an_unset_mode_follows_from_whether_a_hub_is_named(tmp_path: Path) -> None:
    file = settings(DataDir(tmp_path), "").deployment_file
    assert load_deployment(file).mode == "edge"
    file.write_text("cloud: {api_url: 'https://hub.example'}\n")
    assert load_deployment(file).mode == "hybrid"
