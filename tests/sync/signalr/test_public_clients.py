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


@pytest.mark.parametrize("script", ["pysignalr_client.py", "signalrcore_client.py"])
def test_the_python_clients_call_and_are_told(hub: Any, script: str) -> None:
    # In a process of its own: they leave sockets open, which here would fail another test.
    command = [sys.executable, "-W", "ignore", str(HERE / script), hub.url, TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"add": 3, "told": ["hello"]}


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_the_microsoft_client_works_on_every_transport(
    hub: Any, node_package: Path, transport: str
) -> None:
    done = subprocess.run(
        ["node", str(shutil.copy(SCRIPT, node_package)), hub.url, TOKEN, transport],
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
