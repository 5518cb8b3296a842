"""`loopai hub start --workers`: several processes on one address and one PostgreSQL, over TLS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from click.testing import CliRunner
from websockets.sync.client import ClientConnection, connect

from runtime.errors import InvalidInputError, LoopaiError
from sync.hub.commands import command
from sync.hub.workers import listen_side_by_side
from tests.certificates import Authority
from tests.support import TASK, wait_until
from tests.sync.hub.postgres import new_database
from tests.sync.hub.test_hub import HANDSHAKE, batch, execution, upload
from tests.sync.hub_process import HubProcess

SCRIPT = Path(__file__).parent / "microsoft_clients.mjs"
WORKERS = 3
CLIENTS = 9


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def hub(
    authority: Authority, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HubProcess]:
    pair = authority.issue("hub")
    running = HubProcess(
        tmp_path_factory.mktemp("workers") / "hub",
        *("--database", new_database(postgres, f"hub-{uuid4().hex[:12]}")),
        *(
            "--workers",
            str(WORKERS),
            "--keep-days",
            "30",
            "--tls-cert",
            str(pair.cert),
            "--tls-key",
            str(pair.key),
        ),
        ca=authority.ca,
    )
    yield running
    children = psutil.Process(running.pid).children(recursive=True)
    running.stop()
    assert not [one for one in children if one.is_running()]


def workers_of(hub: HubProcess) -> set[int]:
    """The pids of its workers."""
    children = psutil.Process(hub.pid).children()
    return {one.pid for one in children if "start" in one.cmdline()}


def join(hub: HubProcess, key: str, stack: ExitStack) -> ClientConnection:
    """A client that negotiates first, over a connection of its own, as public clients do."""
    bearer = {"authorization": f"Bearer {key}"}
    path = "/hubs/loopai/negotiate?negotiateVersion=1"
    asked = httpx.post(hub.url + path, headers=bearer, verify=hub.trust, timeout=20).json()
    assert [one["transport"] for one in asked["availableTransports"]] == ["WebSockets"]
    address = f"{hub.url.replace('http', 'ws')}/hubs/loopai?id={asked['connectionToken']}"
    joined = stack.enter_context(connect(address, additional_headers=bearer, ssl=hub.trust))
    joined.send(HANDSHAKE)
    assert joined.recv(timeout=20) == "{}\x1e"
    return joined


def told(client: ClientConnection) -> Any:
    """What it is told next, between the hub's signs of life."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for record in str(client.recv(timeout=30)).split("\x1e")[:-1]:
            if "arguments" in (message := json.loads(record)):
                return message["arguments"]
    return None


@pytest.mark.thorough
def test_clients_at_every_worker_are_told_once_and_a_killed_worker_is_replaced(
    hub: HubProcess, packages: list[bytes]
) -> None:
    key = hub.new_key("edge")
    with hub.client("publish") as author:
        with ExitStack() as stack:
            clients = [join(hub, key, stack) for _ in range(CLIENTS)]
            assert upload(author, packages[0]).status_code == 201
            assert [told(one) for one in clients] == [[TASK, 1]] * CLIENTS
            before = workers_of(hub)
            assert len(before) == WORKERS
            for pid in sorted(before)[:2]:
                psutil.Process(pid).kill()
        # Who connects meanwhile waits for the successor.
        with ExitStack() as stack:
            clients = [join(hub, key, stack) for _ in range(CLIENTS)]
            wait_until(
                lambda: len(workers_of(hub)) == WORKERS and len(workers_of(hub) - before) == 2
            )
            with hub.client("publish") as again:
                assert upload(again, packages[1]).status_code == 201
            assert [told(one) for one in clients] == [[TASK, 2]] * CLIENTS


def test_what_is_older_than_it_keeps_is_refused_by_every_worker(hub: HubProcess) -> None:
    rows = [execution(number, timestamp="2025-01-01T00:00:00Z") for number in range(2)]
    for number in range(CLIENTS):
        with hub.client("edge") as box:
            answer = box.post("/api/v1/telemetry", content=batch(f"key-{number:06}", rows))
            assert "older than the 30 days" in answer.json()["rejected"][0]["reason"]


def shown_by(hub: HubProcess) -> set[str]:
    """The certificates that its workers show."""
    assert hub.trust is not None
    found = set()
    for _ in range(CLIENTS):
        with (
            socket.create_connection(("127.0.0.1", hub.port), 20) as plain,
            hub.trust.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            found.add(str(secured.getpeercert(binary_form=True)))
    return found


def test_renewed_certificates_are_taken_up_by_all_and_faulty_ones_change_nothing(
    hub: HubProcess, authority: Authority
) -> None:
    log = hub.folder / "hub.log"
    first, workers = shown_by(hub), workers_of(hub)
    authority.issue("hub", lasts=timedelta(days=-1))
    psutil.Process(hub.pid).send_signal(signal.SIGHUP)
    wait_until(lambda: "not reloaded, everything stays as it was" in log.read_text())
    assert shown_by(hub) == first
    authority.issue("hub")
    psutil.Process(hub.pid).send_signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count("the certificate files were read again") == WORKERS)
    assert not shown_by(hub) & first
    assert workers_of(hub) == workers


@pytest.mark.thorough
def test_microsofts_client_negotiates_with_whatever_worker(
    hub: HubProcess, node_package: Path, authority: Authority
) -> None:
    with hub.client("edge") as box:
        box.post("/api/v1/deployments", json={"deployment_id": "page"})
    script = shutil.copy(SCRIPT, node_package)
    done = subprocess.run(
        ["node", str(script), f"{hub.url}/hubs/loopai", hub.new_key("edge"), str(CLIENTS)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(authority.ca)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heard": [CLIENTS] * CLIENTS}


def test_sqlite_is_for_one_process_and_an_address_is_not_shared_unasked(tmp_path: Path) -> None:
    start = ("start", "--workers", "2", "--folder", str(tmp_path / "hub"))
    refused = CliRunner().invoke(command, start)
    assert isinstance(refused.exception, InvalidInputError)
    assert "several workers need PostgreSQL" in str(refused.exception)
    assert not (tmp_path / "hub").exists()
    first = listen_side_by_side("127.0.0.1", 0, 2)
    port = first[0].getsockname()[1]
    with pytest.raises(LoopaiError, match="Address already in use"):
        listen_side_by_side("127.0.0.1", port, 2)
    for one in first:
        one.close()
