"""The improvement engine: from what boxes tell of failures to a version for all, or a ticket."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select
from websockets.sync.client import connect

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from sync.hub import tables
from sync.hub.improvement.engine import Engine
from sync.hub.improvement.improver import Judged
from tests.support import (
    PROGRAM,
    TASK,
    add_version,
    clean_environment,
    make_task,
    promote,
    wait_until,
)
from tests.sync.conftest import RunningHub
from tests.sync.hub.postgres import new_database
from tests.sync.hub.test_hub import HANDSHAKE, batch

TENANT = "acme"
SENTENCE = (
    "please send the report to our office before monday and call when it has arrived thanks for"
    " your help with this order"
)
#: What the boxes' people want: PROGRAM knows "buy" alone.
BETTER = PROGRAM.replace('"buy" in text.lower()', '"buy" in text or "refund" in text')
WORSE = PROGRAM.replace('"spam" if "buy" in text.lower() else "ham"', '"spam"')


def validations(count: int = 80, **fields: Any) -> list[dict[str, Any]]:
    """What oracles said of v1's answers: right but where the text speaks of a refund."""
    chance = random.Random(count)
    rows = []
    for number in range(count):
        extra = ("buy", "refund", None, None)[number % 4]
        words = [*chance.sample(SENTENCE.split(), 6), *([extra] if extra else []), f"{number}"]
        right = "spam" if extra else "ham"
        answered = "spam" if extra == "buy" else "ham"
        rows.append(
            {
                "id": f"validation-{number}",
                "execution_id": f"execution-{number}",
                "program_version": 1,
                "match": answered == right,
                "similarity_score": float(answered == right),
                "validated_at": "2025-06-01T10:00:00.000000Z",
                "inclusion_probability": 0.1,
                "oracle": "person",
                "input": {"text": " ".join(words)},
                "output": answered,
                "oracle_output": right,
                **fields,
            }
        )
    return rows


class Boxes:
    """The boxes of a tenant and its team, as a hub's callers."""

    def __init__(self, url: str, key: str, author: DataDir) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=20
        )
        self._author = author
        self._batches = 0

    def publish(self) -> None:
        """The task in words, and a v1 that knows too little."""
        self.specify()
        package = ArtifactStore(self._author).zip_bytes(TASK, 1)
        specification = self._author.task_file(TASK).read_text()
        body = {"package": base64.b64encode(package).decode(), "specification": specification}
        answer = self.http.post(f"/api/v1/artifacts/{TASK}/upload", json=body)
        assert answer.status_code == 201, answer.text

    def specify(self, examples: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        lines = "".join(json.dumps(one) + "\n" for one in examples)
        given = {"specification": self._author.task_file(TASK).read_text(), "examples": lines}
        answer = self.http.put(f"/api/v1/tasks/{TASK}/specification", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tell(self, rows: list[dict[str, Any]], boxes: int = 4, mode: str = "balanced") -> None:
        """Each box tells its part."""
        for box in range(boxes):
            name = f"box-{box}"
            self.http.post(
                "/api/v1/deployments", json={"deployment_id": name, "privacy_mode": mode}
            )
            self._batches += 1
            body = batch(f"key-{self._batches:06d}", rows[box::boxes], f"{TASK}/validations", name)
            assert self.http.post("/api/v1/telemetry", content=body).json()["rejected"] == []

    def settings(self, **changes: Any) -> httpx.Response:
        return self.http.put("/api/v1/improvement/settings", json=changes)

    def task(self) -> dict[str, Any]:
        return self.http.get(f"/api/v1/improvement/tasks/{TASK}").json()

    def versions(self) -> list[dict[str, Any]]:
        return self.http.get(f"/api/v1/artifacts/{TASK}/versions").json()["versions"]

    def tickets(self, state: str = "open") -> list[dict[str, Any]]:
        return self.http.get("/api/v1/tickets", params={"state": state}).json()["tickets"]


class Author:
    """An improver that stores the programs it was given, one after the other."""

    def __init__(self, *sources: str) -> None:
        self.sources = list(sources)
        self.seeds: list[int] = []
        self.examples: list[int] = []

    def describe(self, failures: Sequence[Judged], successes: Sequence[Judged]) -> list[str]:
        return [f"{len(failures)} failures"]

    def make(
        self, data_dir: DataDir, task: TaskSpecification, seed: int, strategies: tuple[str, ...]
    ) -> int:
        self.seeds.append(seed)
        self.examples.append(len(task.examples))
        if not self.sources:
            raise LoopaiError("no strategy found a program")
        return add_version(data_dir, task, self.sources.pop(0))


ON_BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """The embedded one, where a test is not marked `ON_BOTH`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    return new_database(request.getfixturevalue("postgres"), f"hub-{uuid4().hex[:12]}")


def untold(hub: RunningHub) -> list[Any]:
    with hub.store.read() as connection:
        waiting = select(tables.announcements).where(tables.announcements.c.told_at.is_(None))
        return list(connection.execute(waiting))


@pytest.fixture
def author(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "author")
    promote(data_dir, make_task(data_dir))
    return data_dir


@pytest.fixture
def boxes(hub: RunningHub, author: DataDir) -> Iterator[Boxes]:
    made = Boxes(hub.url, hub.new_key("edge", "publish", "read", "admin"), author)
    made.publish()
    yield made
    made.http.close()


def engine(hub: RunningHub, tmp_path: Path, improver: Any) -> Engine:
    return Engine(tmp_path / "hub", hub.store, hub.key, improver)


@ON_BOTH
def test_a_version_that_is_shown_to_be_better_is_published_and_announced_once(
    hub: RunningHub, boxes: Boxes, tmp_path: Path
) -> None:
    boxes.tell(validations())
    improver = Author(BETTER)
    working = engine(hub, tmp_path, improver)
    assert "v2 is published" in working.look(TENANT, TASK)
    newest = boxes.versions()[-1]
    assert (newest["version"], "20 failures" in newest["note"]) == (2, True)
    assert improver.examples[0] > 40, "failures, and what worked where the task has no examples"
    state = boxes.task()
    (run,) = state["runs"]
    assert (run["outcome"], run["made_version"], state["tries"]) == ("published", 2, 0)
    assert run["report"]["candidate"]["worked"]["lost"] == 0
    assert run["report"]["failing"]["low"] > 0.15
    # Nothing of v2 is validated yet, so there is nothing to do.
    assert "nothing of v2 was validated" in working.look(TENANT, TASK)
    assert len(boxes.versions()) == 2
    wait_until(lambda: not untold(hub))
    assert not (tmp_path / "hub" / "improvement").exists(), "no input is left behind"
    actions = [one["action"] for one in boxes.http.get("/api/v1/audit").json()["entries"]]
    assert "published" in actions


@pytest.mark.parametrize(
    ("source", "shortcoming"),
    [
        (PROGRAM, "it wins 0 and loses 0 of the held-out inputs"),
        (WORSE, "inputs that worked"),
        (None, "no strategy found a program"),
    ],
    ids=["the same", "worse on what worked", "no program"],
)
def test_what_is_not_better_is_not_published(
    hub: RunningHub, boxes: Boxes, tmp_path: Path, source: str | None, shortcoming: str
) -> None:
    boxes.tell(validations())
    improver = Author(*([source] if source else []))
    reason = engine(hub, tmp_path, improver).look(TENANT, TASK)
    assert shortcoming in reason
    assert [one["version"] for one in boxes.versions()] == [1]
    assert boxes.task()["tries"] == 1


def test_after_three_tries_a_ticket_is_opened_and_it_waits_for_another_specification(
    hub: RunningHub, boxes: Boxes, tmp_path: Path
) -> None:
    rows = validations(240)
    boxes.settings(min_failures=10)
    improver = Author(PROGRAM, PROGRAM, PROGRAM, BETTER)
    working = engine(hub, tmp_path, improver)
    for part in range(3):
        boxes.tell(rows[80 * part : 80 * (part + 1)])
        reason = working.look(TENANT, TASK)
        if part < 2:
            # The same failures are not tried twice.
            assert "0 of the 10 new failing inputs" in working.look(TENANT, TASK)
    assert improver.seeds == [0, 1, 2], "the same seed would make the same program"
    (ticket,) = boxes.tickets()
    assert f"ticket {ticket['number']}" in reason
    assert len(ticket["facts"]["examples"]) == 20
    assert ticket["facts"]["examples"][0]["expected"] == "spam"
    assert "loopai hub specify" in ticket["body"]

    boxes.tell(validations(400)[240:])
    assert "waiting for another specification" in working.look(TENANT, TASK)
    assert boxes.specify()["changed"] is False, "the same one is no change"
    assert "waiting" in working.look(TENANT, TASK)
    example = {"input": {"text": "I want a refund now"}, "output": "spam"}
    assert boxes.specify([example])["changed"] is True
    assert "v2 is published" in working.look(TENANT, TASK)
    assert boxes.tickets() == []
    assert [one["number"] for one in boxes.tickets("closed")] == [ticket["number"]]
    assert boxes.task()["state"] == "watching"


def test_it_concludes_nothing_from_little_and_nothing_from_few_failures(
    hub: RunningHub, boxes: Boxes, tmp_path: Path
) -> None:
    working = engine(hub, tmp_path, Author(BETTER))
    rows = validations(400)[::-1]
    wrong = [row for row in rows if not row["match"]]
    right = [row for row in rows if row["match"]]
    boxes.tell([*wrong[:5], *right[:20]])  # 20 %, of 25
    assert "25 of the 50 validated executions" in working.look(TENANT, TASK)
    boxes.tell([*wrong[5:20], *right[20:80]])  # 20 %, of 100: the interval begins at 13 %
    assert "not shown to be above 15%" in working.look(TENANT, TASK)
    assert boxes.settings(failure_rate=0.1).status_code == 200
    assert "v2 is published" in working.look(TENANT, TASK)


def test_a_paused_task_is_left_alone_until_it_is_resumed_or_run_by_hand(
    hub: RunningHub, boxes: Boxes, tmp_path: Path
) -> None:
    boxes.tell(validations())
    improver = Author(PROGRAM, BETTER)
    working = engine(hub, tmp_path, improver)
    base = "/api/v1/improvement"
    for pause, resume in (
        (f"{base}/tasks/{TASK}/pause", f"{base}/tasks/{TASK}/resume"),
        (f"{base}/pause", f"{base}/resume"),
    ):
        assert boxes.http.post(pause).json()["paused"] is True
        assert working.look(TENANT, TASK) == "paused"
        assert boxes.http.post(resume).json()["paused"] is False
    assert improver.seeds == []
    boxes.http.post(f"{base}/pause")
    assert "nothing better" in working.look(TENANT, TASK, forced=True)
    boxes.http.post(f"{base}/resume")
    assert boxes.http.post(f"{base}/tasks/{TASK}/run").status_code == 202
    assert working.ledger.wanted() == [(TENANT, TASK)]
    actions = [one["action"] for one in boxes.http.get("/api/v1/audit").json()["entries"]]
    assert {"improvement paused", "improvement resumed", "improvement asked for"} <= set(actions)
    assert boxes.http.post(f"{base}/tasks/none/pause").status_code == 404
    assert boxes.settings(failure_rate=2).status_code == 422


def test_where_every_box_keeps_its_inputs_it_says_that_there_is_nothing_to_learn_from(
    hub: RunningHub, boxes: Boxes, tmp_path: Path
) -> None:
    boxes.tell(validations(input=None, output=None, oracle_output=None), mode="strict")
    reason = engine(hub, tmp_path, Author(BETTER)).look(TENANT, TASK)
    assert "v1 fails in 25.0%" in reason
    assert "every box is in strict privacy mode, which lets no input out" in reason
    assert boxes.task()["reason"] == reason


def test_one_tenant_s_failures_make_no_version_of_another_s(
    hub: RunningHub, boxes: Boxes, author: DataDir, tmp_path: Path
) -> None:
    scopes = ("edge", "publish", "read", "admin")
    theirs = Boxes(hub.url, hub.new_key(*scopes, tenant="rival"), author)
    theirs.publish()
    boxes.tell(validations())
    working = engine(hub, tmp_path, Author(BETTER))
    assert "nothing of v1 was validated" in working.look("rival", TASK)
    assert "v2 is published" in working.look(TENANT, TASK)
    assert len(theirs.versions()) == 1
    assert theirs.task()["runs"] == []
    theirs.http.close()


class StartedHub:
    """A `loopai hub start` that looks at failures all the time, with what it improves."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self._errors = folder.parent / "hub-errors.txt"
        command = [sys.executable, "-m", "workbench", "hub", "start", "--port", "0"]
        command += ["--folder", str(folder), "--improve-every", "0.5"]
        self.environment = clean_environment()
        if database:
            self.environment["LOOPAI_HUB_DATABASE"] = database
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(command, stderr=errors, env=self.environment)
        wait_until(lambda: "running on" in self.log(), 60)
        self.url = self.log().split("running on ")[1].split()[0]
        wait_until(self._answers, 60)

    def log(self) -> str:
        return self._errors.read_text()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health").is_success
        except httpx.HTTPError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        os.kill(self.process.pid, how)
        self.process.wait(timeout=30)


@pytest.mark.thorough
@pytest.mark.timeout(600)  # two real syntheses, on a machine that may be busy
@ON_BOTH
def test_failures_told_by_boxes_become_a_version_that_they_hear_of_even_if_the_hub_is_killed(
    tmp_path: Path, author: DataDir, database: str | None
) -> None:
    folder = tmp_path / "hub"
    started = StartedHub(folder, database)
    create = [sys.executable, "-m", "workbench", "hub", "keys", "create", "all", "--tenant", TENANT]
    create += ["--folder", str(folder), "--json"]
    for scope in ("edge", "publish", "read", "admin"):
        create += ["--scope", scope]
    made = subprocess.run(create, capture_output=True, check=True, env=started.environment)
    key = json.loads(made.stdout)["key"]
    boxes = Boxes(started.url, key, author)
    boxes.publish()
    boxes.settings(strategies=["rule"])
    boxes.tell(validations(160))
    # Killed in the middle of its work: hub, engine and sandbox.
    wait_until(lambda: [run for run in boxes.task()["runs"] if run["outcome"] == "running"], 240)
    started.stop(signal.SIGKILL)
    boxes.http.close()

    started = StartedHub(folder, database)
    boxes = Boxes(started.url, key, author)
    address = started.url.replace("http", "ws") + f"/hubs/loopai?access_token={key}"
    with connect(address) as socket:
        socket.send(HANDSHAKE)
        heard: list[Any] = []
        while ["OnNewArtifactAvailable", [TASK, 2]] not in heard:
            socket.send('{"type":6}\x1e')
            with suppress(TimeoutError):
                for record in str(socket.recv(timeout=5)).split("\x1e")[:-1]:
                    message = json.loads(record)
                    heard.append([message.get("target"), message.get("arguments")])
    assert [one["version"] for one in boxes.versions()] == [1, 2]
    state = wait_until(lambda: boxes.task() if boxes.task()["version"] == 2 else None)
    assert key not in started.log(), "the key stands in the WebSocket's address"
    assert [run["outcome"] for run in state["runs"]] == ["published", "cut off"]
    assert "refund" in state["runs"][0]["hypothesis"][0]
    package = boxes.http.get(f"/api/v1/artifacts/{TASK}/v2/download").content
    assert b"refund" in package
    boxes.http.close()
    started.stop()
    shown = [sys.executable, "-m", "workbench", "hub", "improvement", "status"]
    shown += ["--folder", str(folder)]
    text = subprocess.run(shown, capture_output=True, text=True, env=started.environment).stdout
    assert "published v2" in text
    assert "cut off" in text
