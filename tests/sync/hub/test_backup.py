"""`loopai hub backup` while the hub works, and a hub made of what it gives, on either database."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError
from sync.hub.commands import command
from sync.hub.tickets import Tickets
from tests.support import TASK, add_version, make_task
from tests.sync.conftest import RunningHub
from tests.sync.hub.postgres import new_database
from tests.sync.hub.test_hub import batch, execution, upload


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def place(folder: Path, database: str | None) -> list[str]:
    return ["--folder", str(folder), *(["--database", database] if database else [])]


def seen(http: Any) -> dict[str, Any]:
    """What there is, without what a new key of the test adds."""
    paths = ("/api/v1/artifacts", f"/api/v1/artifacts/{TASK}/versions", "/api/v1/tickets")
    return {path: http.get(path).json() for path in (*paths, "/api/v1/signing-key")}


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param(False, id="same database"),
        pytest.param(True, id="other database", marks=pytest.mark.thorough),
    ],
)
def test_a_hub_is_copied_while_it_works_and_made_anew(
    hub: RunningHub,
    database: str | None,
    moves: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    author = DataDir(tmp_path / "author")
    task = make_task(author)
    package = ArtifactStore(author).zip_bytes(TASK, add_version(author, task))
    specification = author.task_file(TASK).read_text()
    key = hub.new_key("publish", "edge", "read", "execute", "admin")
    Tickets(hub.store).open("acme", TASK, "Look at this", "It fails.", {"examples": [1]})
    bearer = {"authorization": f"Bearer {key}"}
    stop, sent, refused = threading.Event(), [0], []

    def send_for_ever() -> None:
        with hub.client("edge") as box:
            while not stop.is_set():
                rows = [execution(sent[0] * 50 + number) for number in range(50)]
                answer = box.post("/api/v1/telemetry", content=batch(f"key-{sent[0]:06}", rows))
                refused.extend([] if answer.status_code == 200 else [answer.text])
                sent[0] += 1

    with httpx.Client(base_url=hub.url, headers=bearer, timeout=20) as http:
        assert upload(http, package, specification=specification).status_code == 201
        answer = http.post(f"/v1/execute/{TASK}", json={"input": {"text": "buy"}})
        assert answer.json()["output"] == "spam"
        before = seen(http)
        sending = threading.Thread(target=send_for_ever)
        sending.start()
        try:
            run("backup", str(tmp_path / "copy"), *place(tmp_path / "hub", database))
        finally:
            stop.set()
            sending.join()
    assert not refused
    assert not list(tmp_path.glob(".*partial"))

    target = database
    if (database is None) == moves:
        target = new_database(request.getfixturevalue("postgres"), f"hub-{uuid4().hex[:12]}")
    elif moves:
        target = None
    new = tmp_path / "new"
    run("restore", str(tmp_path / "copy"), *place(new, target))
    again = RunningHub(new, target)
    try:
        with httpx.Client(base_url=again.url, headers=bearer, timeout=20) as http:
            # The key of before is good.
            assert seen(http) == before
            # Whole batches only, and each row of them; sent again they count once.
            counted = http.get(f"/api/v1/metrics/{TASK}").json()["versions"][0]["executions"]
            assert counted % 50 in (0, 1) and counted <= sent[0] * 50 + 1
            first = batch("key-000000", [execution(number) for number in range(50)])
            assert http.post("/api/v1/telemetry", content=first).status_code == 200
            # Numbers go on after those that were given.
            Tickets(again.store).open("acme", TASK, "And this", "It fails too.", {})
            numbers = [one["number"] for one in http.get("/api/v1/tickets").json()["tickets"]]
            assert numbers == [2, 1]
            answer = http.post(f"/v1/execute/{TASK}", json={"input": {"text": "buy"}})
            assert answer.json()["output"] == "spam"
            listed = http.get(f"/v1/datasets/{TASK}/executions").json()["executions"]
            assert len(listed) == 2  # the one of before the copy, and this one
    finally:
        again.stop()


def test_what_is_there_is_never_overwritten_and_what_is_damaged_never_taken(
    tmp_path: Path,
) -> None:
    RunningHub(tmp_path / "hub", None).stop()
    hub = ("--folder", str(tmp_path / "hub"))
    run("backup", str(tmp_path / "copy"), *hub)
    cli = CliRunner()
    for arguments, error, says in (
        (("backup", str(tmp_path / "copy"), *hub), InvalidInputError, "there already"),
        (("backup", str(tmp_path / "x"), "--folder", "/nowhere"), LoopaiError, "no hub database"),
        (("restore", str(tmp_path / "copy"), *hub), InvalidInputError, "something in the folder"),
        (("restore", str(tmp_path), "--folder", str(tmp_path / "y")), LoopaiError, "no backup"),
    ):
        done = cli.invoke(command, arguments)
        assert isinstance(done.exception, error) and says in str(done.exception), arguments
    copied = tmp_path / "copy" / "hub.db"
    content = copied.read_bytes()
    copied.write_bytes(content[:1000] + bytes(len(content) - 1000))
    done = cli.invoke(command, ("restore", str(tmp_path / "copy"), "--folder", str(tmp_path / "z")))
    assert isinstance(done.exception, LoopaiError) and "damaged" in str(done.exception)
    assert not (tmp_path / "z").exists()


def test_a_database_that_holds_a_hub_is_not_written_to(tmp_path: Path, postgres: str) -> None:
    url = new_database(postgres, f"hub-{uuid4().hex[:12]}")
    old = RunningHub(tmp_path / "hub", url)
    old.new_key("read")
    old.stop()
    run("backup", str(tmp_path / "copy"), *place(tmp_path / "hub", url))
    with sqlite3.connect(tmp_path / "copy" / "hub.db") as copy:
        assert copy.execute("SELECT count(*) FROM keys").fetchone() == (1,)
    copy.close()
    done = CliRunner().invoke(
        command, ("restore", str(tmp_path / "copy"), *place(tmp_path / "new", url))
    )
    assert isinstance(done.exception, InvalidInputError)
    assert "holds a hub already" in str(done.exception)
    assert not (tmp_path / "new").exists()
