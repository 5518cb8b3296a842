"""A box and its hub: versions in, telemetry out, and whatever goes wrong between them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.artifacts import ArtifactStore
from runtime.clock import utc_now
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.rollout.document import read_rollout
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.observers import make_observers
from runtime.steward.state import open_state
from runtime.validation.settle import PREFIX
from sync import agent as agent_module
from sync import listener as listener_module
from sync.agent import Agent
from sync.audit import AuditLog
from sync.box_key import deployment_id
from sync.hub.improvement.evidence import validated_lines
from sync.hub_client import HubClient
from sync.listener import Listener
from sync.own_key import OwnKey
from sync.signalr import Limits
from sync.signing import SigningKey
from sync.updates import trust_store
from tests.support import TASK, log_line, make_task, wait_until
from tests.sync.hub.test_hub import upload

SPECIFICATION = """\
name: spam-detection
description: Is this text spam?
input_schema: {type: object, properties: {text: {type: string}}, required: [text]}
output_schema: {enum: [spam, ham]}
"""


class Box:
    """One box's data directory and its agent, against a hub."""

    def __init__(self, folder: Path, hub: Any, settings: str = "", promote: str = "now") -> None:
        self.data_dir = DataDir(folder)
        self.key = hub.new_key("edge")
        file = self.data_dir.deployment_file
        file.parent.mkdir(parents=True)
        file.write_text(
            f"cloud: {{api_url: '{hub.url}', api_key: '{self.key}', promote: '{promote}'}}\n"
            f"telemetry: {{upload_interval_sec: 0.01, {settings}}}\n"
        )
        self.store = ArtifactStore(self.data_dir)
        self.agent: Agent
        self.transport: httpx.BaseTransport | None = None
        self.start()

    @property
    def config(self) -> DeploymentConfig:
        return load_deployment(self.data_dir.deployment_file)

    def start(self) -> None:
        url = self.config.text("cloud", "api_url")
        assert url is not None
        self.agent = Agent(self.data_dir, self.config, HubClient(url, self.key, self.transport))

    def ask(self) -> None:
        """A turn in which the hub is asked."""
        self.agent._ask.set()
        self.agent.turn()

    def status(self) -> dict[str, Any]:
        return json.loads((self.data_dir.state / agent_module.STATUS_FILE).read_text())

    def log(self, *lines: bytes) -> None:
        log = ExecutionLog(self.data_dir.executions(TASK))
        log.append(lines, utc_now())
        log.close()

    def read_log(self) -> None:
        """What the steward would do."""
        with open_state(self.data_dir) as state:
            context = StewardContext(self.data_dir, self.config, state)
            observers = make_observers(context, ["sync.telemetry_observer:TelemetryObserver"])
            assert observers
            Steward(context, observers).read_all()


@pytest.fixture
def database() -> None:
    """The agent's side is the same on every database: the embedded one will do."""
    return


@pytest.fixture
def box(tmp_path: Path, hub: Any) -> Iterator[Box]:
    made = Box(tmp_path / "box", hub)
    yield made
    made.agent.close()


@pytest.fixture
def author(hub: Any) -> Iterator[httpx.Client]:
    with hub.client("publish", "read", "edge") as client:
        yield client


def test_a_version_is_taken_up_with_its_task_and_serves(
    box: Box, author: httpx.Client, packages: list[bytes]
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    box.ask()
    assert box.store.active(TASK) == 1
    assert "return 'ham'" in box.store.program_source(TASK, 1)
    upload(author, packages[1], specification=SPECIFICATION)
    box.ask()
    assert box.store.active(TASK) == 2
    assert box.store.previous(TASK) == 1
    name = deployment_id(box.data_dir)
    assert author.get(f"/api/v1/deployments/{name}").json()["tasks"] == {TASK: 2}
    assert box.status()["problem"] is None


def test_a_notification_brings_a_version_within_two_seconds(
    box: Box, author: httpx.Client, packages: list[bytes]
) -> None:
    box.agent.listen(box.key)
    wait_until(lambda: (box.agent.turn(), box.status()["notified"])[1])
    wait_until(lambda: (box.agent.turn(), not box.agent._ask.is_set())[1])
    started = time.monotonic()
    assert upload(author, packages[0], specification=SPECIFICATION).json()["notified"] == 1
    wait_until(lambda: (box.agent.turn(), box.store.active(TASK) == 1)[1])
    assert time.monotonic() - started < 2


class Between(httpx.BaseTransport):
    """Stands between a box and its hub."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()

    def close(self) -> None:
        self.inner.close()


class Tampering(Between):
    """Changes answers on their way."""

    def __init__(self, part: str, change: Any) -> None:
        super().__init__()
        self._part, self._change = part, change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if self._part not in request.url.path:
            return response
        response.read()
        return self._change(response)


def _other_program(response: httpx.Response) -> httpx.Response:
    content = response.content.replace(b"return 'spam'", b"return 'evil'")
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {**response.headers, "etag": etag}
    return httpx.Response(200, headers=headers, content=iter([content]))


def _other_task(response: httpx.Response) -> httpx.Response:
    return httpx.Response(200, content=response.content.replace(b"spam?", b"evil?"))


@pytest.mark.parametrize(
    ("part", "change"), [("/download", _other_program), ("/task.yaml", _other_task)]
)
def test_what_was_tampered_with_is_not_taken_up_and_the_last_good_one_serves(
    box: Box, author: httpx.Client, packages: list[bytes], part: str, change: Any
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    box.ask()
    upload(author, packages[1], specification=SPECIFICATION)
    box.agent.close()
    packages_before = box.store.versions(TASK)

    box.transport = Tampering(part, change)
    box.start()
    box.ask()
    assert box.store.active(TASK) == 1
    assert box.store.versions(TASK) == packages_before
    assert "does not hold" in box.status()["not_taken_up"][TASK]["reason"]
    box.agent.close()
    box.transport = None
    box.start()
    box.ask()
    assert box.store.active(TASK) == 2


def test_a_hub_with_another_key_is_not_believed(
    box: Box, author: httpx.Client, packages: list[bytes], tmp_path: Path
) -> None:
    other = SigningKey.open(tmp_path / "other.key", create=True)
    trust_store(box.data_dir).trust(other.public, "pinned")
    upload(author, packages[0], specification=SPECIFICATION)
    box.ask()
    assert box.store.active(TASK) is None
    assert "not trusted" in box.status()["not_taken_up"][TASK]["reason"]


def test_a_box_follows_the_new_key_of_its_hub_and_learns_that_the_old_one_is_revoked(
    box: Box, hub: Any, author: httpx.Client, packages: list[bytes], tmp_path: Path
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    box.ask()
    old = hub.key.id
    ours = OwnKey(tmp_path / "hub")  # another process's view: the hub that runs takes it up
    ours.rotate()
    ours.revoke(old, "stolen")
    upload(author, packages[1], specification=SPECIFICATION)
    box.ask()
    assert box.store.active(TASK) == 2
    trust = trust_store(box.data_dir)
    assert list(trust.keys) == [hub.key.id] == [ours.id]
    assert trust.revoked[old]["reason"] == "stolen"


def test_a_cut_download_goes_on_where_it_was(
    box: Box, author: httpx.Client, packages: list[bytes]
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    asked: list[str | None] = []

    class Cutting(Between):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = self.inner.handle_request(request)
            if not request.url.path.endswith("/download"):
                return response
            asked.append(request.headers.get("range"))
            content = response.read()
            status = response.status_code

            def cut() -> Iterator[bytes]:
                yield content[: max(1, len(content) // 2)]
                if len(asked) < 4:
                    raise httpx.ReadError("cut")
                yield content[max(1, len(content) // 2) :]

            headers = dict(response.headers)
            return httpx.Response(status, headers=headers, content=cut())

    box.agent.close()
    box.transport = Cutting()
    box.start()
    box.ask()
    assert box.store.active(TASK) == 1
    assert asked[0] is None
    assert all(one and one.startswith("bytes=") for one in asked[1:])


def test_a_download_goes_on_after_a_restart_and_never_believes_what_was_kept(
    box: Box, author: httpx.Client, packages: list[bytes]
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    asked: list[str | None] = []

    class Cutting(Between):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = self.inner.handle_request(request)
            if request.url.path.endswith("/download"):
                asked.append(request.headers.get("range"))
            if len(asked) != 1 or not request.url.path.endswith("/download"):
                return response
            content = response.read()

            def cut() -> Iterator[bytes]:
                yield content[:1000]
                raise httpx.ReadError("cut")

            return httpx.Response(200, headers=dict(response.headers), content=cut())

    class Gone(Cutting):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if asked and request.url.path.endswith("/download"):
                raise httpx.ConnectError("no route")
            return super().handle_request(request)

    restart(box, Gone())
    box.ask()
    assert "did not end well" in box.status()["problem"]
    kept = box.data_dir.state / "downloads" / f"{TASK}-v1.part"
    assert kept.stat().st_size > 1000
    content = kept.read_bytes()
    kept.write_bytes(content[:-500] + b"x" * 500)  # a bad cache
    (box.data_dir.state / "hub-versions.json").write_text("{nonsense")
    restart(box, Cutting())
    box.ask()
    assert asked == [None, "bytes=1000-", None]
    assert box.store.active(TASK) == 1
    assert not kept.exists()


def restart(box: Box, transport: httpx.BaseTransport | None = None) -> None:
    box.agent.close()
    box.transport = transport
    box.start()


def test_a_version_that_was_received_and_not_activated_is_after_the_next_start(
    box: Box, author: httpx.Client, packages: list[bytes], monkeypatch: Any
) -> None:
    upload(author, packages[0], specification=SPECIFICATION)
    box.ask()
    upload(author, packages[1], specification=SPECIFICATION)

    def killed(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt  # as a kill between the two would

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ArtifactStore, "activate", killed)
        box.ask()
    assert (box.store.versions(TASK), box.store.active(TASK)) == ([1, 2], 1)
    restart(box)
    box.ask()
    assert box.store.active(TASK) == 2
    box.store.rollback(TASK)
    restart(box)
    box.ask()
    assert box.store.active(TASK) == 1  # a person's word holds


def test_a_version_comes_in_stages_or_waits_for_a_person_where_that_is_configured(
    tmp_path: Path, hub: Any, author: httpx.Client, packages: list[bytes]
) -> None:
    boxes = [Box(tmp_path / how, hub, promote=how) for how in ("staged", "no")]
    for package in packages:
        upload(author, package, specification=SPECIFICATION)
        for box in boxes:
            box.ask()
            restart(box)
            box.ask()
    staged, waiting = boxes
    rollout = read_rollout(staged.data_dir, TASK)
    assert rollout is not None
    assert (rollout.baseline, rollout.candidate, rollout.live) == (1, 2, True)
    assert staged.store.active(TASK) == 1
    assert (waiting.store.versions(TASK), waiting.store.active(TASK)) == ([1, 2], None)
    for box in boxes:
        assert box.status()["not_taken_up"] == {}
        box.agent.close()


def test_a_version_that_cannot_be_had_holds_up_no_other_task(
    box: Box, author: httpx.Client, packages: list[bytes]
) -> None:
    for task in ("a-task", "b-task"):
        other = SPECIFICATION.replace(TASK, task)
        upload(author, packages[0], task, specification=other)

    class Failing(Between):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if "/a-task/" in request.url.path:
                return httpx.Response(503)
            return self.inner.handle_request(request)

    restart(box, Failing())
    box.ask()
    box.ask()
    assert box.store.active("b-task") == 1
    assert "503" in box.status()["not_taken_up"]["a-task"]["reason"]


def test_a_box_that_hears_much_still_says_that_it_lives(hub: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(listener_module, "PING_SECONDS", 0.2)
    monkeypatch.setattr(hub.app.state.notifications.hub, "limits", Limits(client_timeout_seconds=4))
    told: list[str] = []
    listener = Listener(hub.url, hub.new_key("edge"), lambda name, given: told.append(name), str)
    listener.start()
    wait_until(lambda: listener.connected)
    (connection,) = hub.app.state.notifications.hub.connections.values()
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        hub.app.state.notifications.metric_update("acme", TASK, {})
        time.sleep(0.05)
    assert not connection.closed
    assert len(told) > 20
    listener.stop()


def test_executions_reach_the_hub_once_over_restarts_and_a_hub_that_was_away(
    box: Box, author: httpx.Client, hub: Any
) -> None:
    make_task(box.data_dir)
    box.log(*(log_line(number) for number in range(50)))
    box.read_log()
    box.agent.close()

    class Away(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no route")

    box.transport = Away()
    box.start()
    box.ask()
    assert "does not answer" in box.status()["problem"]
    box.agent.close()
    box.log(*(log_line(number) for number in range(50, 80)))
    box.read_log()
    box.transport = None
    box.start()
    box.ask()
    wait_until(lambda: (box.agent.turn(), box.agent._outbox.status().sent_rows == 80)[1])
    (figures,) = author.get(f"/api/v1/metrics/{TASK}").json()["versions"]
    assert figures["executions"] == 80
    assert AuditLog(box.data_dir.state / "sent.jsonl").verify().problem is None


@pytest.mark.parametrize("mode", ["strict", "balanced"])
def test_what_oracles_said_is_told_once_and_without_inputs_in_strict_mode(
    tmp_path: Path, hub: Any, author: httpx.Client, mode: str
) -> None:
    box = Box(tmp_path / mode, hub, f"privacy_mode: {mode}")
    make_task(box.data_dir)
    box.log(log_line(0))
    said = {"match": False, "similarity_score": 0.0, "oracle": "person", "oracle_output": "spam"}
    lines = [
        log_line(
            number, id=f"validation-{number}", validated_at="2025-06-01T10:00:00.000000Z",
            input={"text": f"refund {EMAIL}"}, **said,
        )
        for number in range(3)
    ]  # fmt: skip
    log = ExecutionLog(box.data_dir.validations(TASK), prefix=PREFIX)
    log.append(lines[:2], utc_now())
    box.read_log()
    box.read_log()
    log.append(lines[2:], utc_now())
    log.close()
    box.read_log()
    box.ask()
    wait_until(lambda: (box.agent.turn(), box.agent._outbox.status().sent_rows == 4)[1])
    box.agent.close()
    (figures,) = author.get(f"/api/v1/metrics/{TASK}").json()["versions"]
    assert (figures["validated"], figures["mismatches"]) == (3, 3)
    told = list(validated_lines(hub.store, "acme", TASK))
    assert len(told) == (0 if mode == "strict" else 3)
    for line in told:
        assert line["oracle_output"] == "spam"
        assert "refund" in line["input"]["text"]
        assert EMAIL not in line["input"]["text"]


EMAIL = "jane.doe@example.com"


@pytest.mark.parametrize("mode", ["strict", "balanced", "permissive"])
def test_nothing_leaves_that_the_privacy_mode_holds_back(
    tmp_path: Path, hub: Any, mode: str
) -> None:
    box = Box(tmp_path / mode, hub, f"privacy_mode: {mode}")
    make_task(box.data_dir)
    lines = [
        log_line(n, input={"text": f"write to {EMAIL} please"}, output="ham") for n in range(400)
    ]
    box.log(*lines)
    box.read_log()
    box.ask()
    wait_until(lambda: (box.agent.turn(), box.agent._outbox.status().sent_rows == 400)[1])
    box.agent.close()
    kept = (
        b"".join(path.read_bytes() for path in (tmp_path / "hub").rglob("*") if path.is_file())
        + (box.data_dir.state / "steward.db").read_bytes()
    )
    assert (EMAIL.encode() in kept) == (mode == "permissive")
    assert (b"write to" in kept) == (mode != "strict")


def test_a_box_without_a_hub_says_so_and_waits(tmp_path: Path, caplog: Any) -> None:
    stop = threading.Event()
    stop.set()
    with caplog.at_level("INFO"):
        assert agent_module.run(DataDir(tmp_path), stop) == 0
    assert "no hub is configured" in caplog.text
