"""A hub and edges as they are run: processes of `loopai hub start` and `loopai-runtime start`."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from sync.hub.store import FILE_NAME
from sync.hub_client import HubClient
from sync.outbox import Outbox
from sync.status import STATUS_FILE
from sync.telemetry_observer import outbox_file
from tests.network import readable
from tests.support import (
    TASK,
    RunningRuntime,
    add_version,
    children_of,
    make_task,
)
from tests.sync.hub_process import HubProcess

PATIENCE = 120.0


class TappedHub(HubProcess):
    """A hub whose storage is looked through."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask its database."""
        with sqlite3.connect(f"file:{self.folder / FILE_NAME}?mode=ro", uri=True) as database:
            return database.execute(query).fetchall()

    def everything_stored(self) -> Iterator[bytes]:
        """Every file, and every value of every table, unpacked."""
        for file in self.folder.rglob("*"):
            if file.is_file():
                yield from readable(file.read_bytes())
        for (table,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
            for row in self.rows(f'SELECT * FROM "{table}"'):
                for value in row:
                    yield from readable(value if isinstance(value, bytes) else str(value).encode())


class Author:
    """Who makes versions, and publishes them to a hub."""

    def __init__(self, folder: Path, hub: HubProcess) -> None:
        self.data_dir = DataDir(folder)
        self.task = make_task(self.data_dir)
        self._hub = hub
        self._key = hub.new_key("publish")

    def make(self, source: str) -> int:
        return add_version(self.data_dir, self.task, source)

    def publish(self, version: int) -> None:
        """As `loopai hub publish` does it."""
        package = ArtifactStore(self.data_dir).zip_bytes(TASK, version)
        specification = self.data_dir.task_file(TASK).read_text()
        upload = {"package": base64.b64encode(package).decode(), "specification": specification}
        with HubClient(self._hub.url, self._key) as client:
            client.publish(TASK, upload)


class Edge:
    """A box that only runs `loopai-runtime start`: it begins with no task at all."""

    def __init__(self, folder: Path, url: str, key: str, settings: str) -> None:
        self.name = folder.name
        self.data_dir = DataDir(folder)
        file = self.data_dir.deployment_file
        file.parent.mkdir(parents=True)
        file.write_text(f"execution: {{sandbox_workers: 1}}\n{settings}".replace("HUB", url))
        environment = {"LOOPAI_API_KEY": key}
        self.runtime = RunningRuntime(self.data_dir, environment=environment, steward=True)

    def active(self) -> int | None:
        """The version that is to answer."""
        return ArtifactStore(self.data_dir).active(TASK)

    def serves(self) -> int | None:
        """The version that answers now; None while none does."""
        answer = self.runtime.execute({"text": "which version?"})
        return answer.json()["program_version"] if answer.status_code == 200 else None

    def execute(self, texts: list[str]) -> None:
        """Execute them all, in one batch."""
        body = [{"input": {"text": text}} for text in texts]
        answer = self.runtime.http.post("/execute/batch", json=body)
        assert answer.status_code == 200, answer.text
        refused = [row for row in answer.json() if "output" not in row]
        assert not refused, refused[:1]

    def status(self) -> dict[str, Any]:
        """What its agent says."""
        return json.loads((self.data_dir.state / STATUS_FILE).read_text())

    def not_taken_up(self) -> str:
        """Why a version is not taken up; empty when none is missed."""
        return str(self.status()["not_taken_up"].get(TASK, {}).get("reason", ""))

    def waiting(self) -> int:
        """Rows that have not left yet, in batches or not."""
        outbox = Outbox(outbox_file(self.data_dir))
        status = outbox.status()
        outbox.close()
        assert status.dropped_rows == 0
        return status.rows + status.batches

    def kill(self, module: str) -> None:
        """Kill -9 one of the programs beside the workers; the supervisor starts it anew."""
        (pid,) = [
            pid
            for pid in children_of(self.runtime.process.pid)
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        os.kill(pid, signal.SIGKILL)
