"""A running hub over each database, with keys of two tenants."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import uvicorn

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from sync.hub.app import make_app, open_hub
from tests.support import TASK, add_version, make_task, wait_until
from tests.sync.hub.postgres import find_tools, new_database, running_postgres

PACKAGE = "@microsoft/signalr@10"


class RunningHub:
    """A hub under uvicorn on a free port, in a thread of its own."""

    def __init__(self, folder: Path, database: str | None, per_minute: int = 100_000) -> None:
        self.store, self.key = open_hub(folder, database)
        self.app = make_app(self.store, self.key, folder, per_minute=per_minute)
        self.keys = self.app.state.keys
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_level="error", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve([self._listener]))
        )
        self._thread.start()
        wait_until(lambda: self._server.started, 60)

    def new_key(self, *scopes: str, tenant: str = "acme") -> str:
        """A key of a tenant with these scopes."""
        return str(self.keys.create(tenant, "test", scopes)[1])

    def client(self, *scopes: str, tenant: str = "acme") -> httpx.Client:
        """A client with a new key."""
        headers = {"authorization": f"Bearer {self.new_key(*scopes, tenant=tenant)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    tools = find_tools()
    if tools is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with running_postgres(tools) as url:
        yield url


@pytest.fixture(scope="session")
def node_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node finds Microsoft's client."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed: apt install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder)]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be installed here: {done.stderr[-200:]}")
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """The URL of an empty database, None for the embedded one."""
    if request.param == "sqlite":
        return None
    return new_database(request.getfixturevalue("postgres"), f"hub-{uuid4().hex[:12]}")


@pytest.fixture
def hub(tmp_path: Path, database: str | None) -> Iterator[RunningHub]:
    running = RunningHub(tmp_path / "hub", database)
    yield running
    running.stop()


@pytest.fixture
def packages(tmp_path: Path) -> list[bytes]:
    """Two versions of a task, as ZIPs."""
    data_dir = DataDir(tmp_path / "author")
    task = make_task(data_dir)
    store = ArtifactStore(data_dir)
    return [
        store.zip_bytes(TASK, add_version(data_dir, task, f"def run(x):\n    return '{answer}'\n"))
        for answer in ("ham", "spam")
    ]
