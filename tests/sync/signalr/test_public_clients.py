"""The public clients, unchanged, against our hub: pysignalr, signalrcore, @microsoft/signalr."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sync.signalr.hub_server import TOKEN

HERE = Path(__file__).parent
SCRIPT = HERE / "microsoft_client.mjs"
PACKAGE = "@microsoft/signalr@10"


@pytest.mark.parametrize("script", ["pysignalr_client.py", "signalrcore_client.py"])
def test_the_python_clients_call_and_are_told(hub: Any, script: str) -> None:
    # In a process of its own: they leave sockets open, which here would fail another test.
    command = [sys.executable, "-W", "ignore", str(HERE / script), hub.url, TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"add": 3, "told": ["hello"]}


@pytest.fixture(scope="module")
def microsoft_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node finds the package."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed: apt install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder)]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be installed here: {done.stderr[-200:]}")
    shutil.copy(SCRIPT, folder)
    return folder / SCRIPT.name


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_the_microsoft_client_works_on_every_transport(
    hub: Any, microsoft_client: Path, transport: str
) -> None:
    done = subprocess.run(
        ["node", str(microsoft_client), hub.url, TOKEN, transport],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "add": 42,
        "items": [0, 1, 2, 3],
        "error": "not today",
        "uploaded": 6,
        "told": "from Node",
        "cancelled": True,
    }
