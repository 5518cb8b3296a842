"""What the hub has answered it has logged and counts once, however often it is killed."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from tests.support import TASK, add_version, logged, make_task, wait_until
from tests.sync.hub.postgres import new_database
from tests.sync.hub_process import HubProcess

KILLS = 4


@pytest.mark.thorough
@pytest.mark.parametrize("workers", [1, 3])
def test_executions_at_a_hub_that_is_killed_are_logged_once_and_counted_once(
    tmp_path: Path, workers: int, request: pytest.FixtureRequest
) -> None:
    options = ["--workers", str(workers)]
    if workers > 1:
        postgres = request.getfixturevalue("postgres")
        options += ["--database", new_database(postgres, f"hub-{uuid4().hex[:12]}")]
    hub = HubProcess(tmp_path / "hub", *options)

    def kill() -> None:
        """The hub, or one of its workers."""
        if workers == 1:
            hub.kill()
            hub.start()
        else:
            children = psutil.Process(hub.pid).children()
            next(one for one in children if "start" in one.cmdline()).kill()

    author = DataDir(tmp_path / "author")
    version = add_version(author, make_task(author))
    body = {
        "package": base64.b64encode(ArtifactStore(author).zip_bytes(TASK, version)).decode(),
        "specification": author.task_file(TASK).read_text(),
    }
    stop = threading.Event()
    answered: set[str] = set()

    def ask_for_ever(http: httpx.Client) -> None:
        while not stop.is_set():
            try:
                answer = http.post(f"/v1/execute/{TASK}", json={"input": {"text": "buy"}})
            except httpx.TransportError:
                time.sleep(0.02)  # it was killed: ask again when it is back
                continue
            if answer.status_code == 200:
                answered.add(answer.json()["execution_id"])

    try:
        with hub.client("publish", "execute", "read") as http:
            assert http.post(f"/api/v1/artifacts/{TASK}/upload", json=body).status_code == 201
            asking = [threading.Thread(target=ask_for_ever, args=(http,)) for _ in range(4)]
            for one in asking:
                one.start()
            try:
                for _ in range(KILLS):
                    before = len(answered)
                    wait_until(lambda before=before: len(answered) > before + 200, 60)
                    kill()
                wait_until(lambda: len(answered) > before + 400, 60)
            finally:
                stop.set()
                for one in asking:
                    one.join()
            records = logged(DataDir(hub.folder / "tenants" / "acme"))
            ids = [record["execution_id"] for record in records]
            assert len(ids) == len(set(ids))
            assert answered <= set(ids)

            def counted() -> int:
                (told,) = http.get(f"/api/v1/metrics/{TASK}").json()["versions"]
                return int(told["executions"])

            wait_until(lambda: counted() == len(ids), 60)
    finally:
        hub.stop()
