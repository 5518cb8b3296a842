"""The public clients, unchanged, against our hub: pysignalr, signalrcore, @microsoft/signalr."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sync.signalr.hub_server import TOKEN

SIGNALRCORE = Path(__file__).with_name("signalrcore_client.py")
SCRIPT = Path(__file__).with_name("microsoft_client.mjs")
PACKAGE = "@microsoft/signalr@10"


def test_pysignalr_calls_streams_and_is_told(hub: Any) -> None:
    from pysignalr.client import SignalRClient

    told: list[Any] = []
    results: list[Any] = []

    async def run() -> None:
        client = SignalRClient(hub.url, headers={"Authorization": f"Bearer {TOKEN}"})
        done = asyncio.Event()

        async def on_told(arguments: list[Any]) -> None:
            told.append(arguments)
            done.set()

        async def on_open() -> None:
            async def take(message: Any) -> None:
                results.append(message.result)
                await client.send("tell", ["hello"])

            await client.send("add", [20, 22], on_invocation=take)

        client.on("told", on_told)
        client.on_open(on_open)
        running = asyncio.create_task(client.run())
        await asyncio.wait_for(done.wait(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert results == [42]
    assert told == [["hello"]]


def test_signalrcore_calls_and_is_told(hub: Any) -> None:
    # In a process of its own: it leaves sockets open, which here would fail another test.
    command = [sys.executable, "-W", "ignore", str(SIGNALRCORE), hub.url, TOKEN]
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
