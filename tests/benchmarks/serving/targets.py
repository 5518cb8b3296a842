"""The servers that are measured side by side, each started as processes of its own.

Bare uvicorn answers with the body it was sent: the least that any server here must do. FastAPI
runs the same program in its own process, with no sandbox and no log.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from runtime.data_dir import DataDir
from tests.support import RunningRuntime, clean_environment, make_task, promote, wait_until

PROGRAM = Path(__file__).with_name("program.py")
BODY = b'{"input":{"text":"Buy two of them now and get the third one for nothing, only today!"}}'
CONFIGURATION = """\
runtime: {max_queue: 65536, max_connections: 4096}
execution: {require_isolation: strict}
storage: {durability: %s}
"""
PLAIN = {"bare uvicorn": "echo", "FastAPI in-process": "fastapi"}
OURS = {"loopai process": "process", "loopai disk": "disk", "loopai none": "none"}
NAMES = ("bare uvicorn", *OURS, "FastAPI in-process")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is ready; `pid` is its first process, `/execute` its route."""

    name: str
    url: str
    pid: int


@contextmanager
def running(name: str, folder: Path) -> Iterator[Running]:
    """Start the server called `name` with its files in `folder`; ends it on leaving."""
    if name in PLAIN:
        with _plain(name, PLAIN[name]) as server:
            yield server
    else:
        with _ours(name, OURS[name], folder) as server:
            yield server


def make_data_dir(folder: Path, durability: str = "process") -> DataDir:
    """A data directory with one task, its program promoted."""
    data_dir = DataDir(folder)
    promote(data_dir, make_task(data_dir), PROGRAM.read_text())
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    data_dir.deployment_file.write_text(CONFIGURATION % durability)
    return data_dir


@contextmanager
def _ours(name: str, durability: str, folder: Path) -> Iterator[Running]:
    with RunningRuntime(make_data_dir(folder, durability)) as runtime:
        answer = runtime.http.post("/execute", content=BODY)
        assert answer.json()["output"] == "spam", answer.text
        yield Running(name, runtime.url, runtime.process.pid)
        assert runtime.stop() == 0, runtime.errors()


@contextmanager
def _plain(name: str, app: str) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"tests.benchmarks.serving.plain_servers:{app}"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    command += ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off"]
    process = subprocess.Popen(command, env=clean_environment())
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url))
        yield Running(name, url, process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.post(f"{url}/execute", content=BODY, timeout=1, headers=JSON).is_success
    except httpx.TransportError:
        return False


JSON = {"content-type": "application/json"}
