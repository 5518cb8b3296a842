"""A hub and its boxes over TLS 1.3, each proving itself to the other by certificate."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from sync import agent
from sync.central import open_central
from sync.hub.app import open_hub
from sync.hub.hub_keys import HubKeys
from sync.status import STATUS_FILE
from tests.certificates import Authority, Pair
from tests.support import clean_environment, make_task, wait_until


@dataclass
class SecuredHub:
    """`loopai hub start` with a certificate, a client CA, and an edge's key."""

    authority: Authority
    pair: Pair
    url: str
    key: str
    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredHub]:
    folder = tmp_path_factory.mktemp("hub")
    authority = Authority(folder / "certificates")
    pair = authority.issue("hub")
    store, _ = open_hub(folder / "hub")
    key = HubKeys(store).create("acme", "test", ("edge",))[1]
    store.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "workbench.cli", "hub", "start", "--port", str(port)]
    command += ["--folder", str(folder / "hub"), "--tls-client-ca", str(authority.ca)]
    command += ["--tls-cert", str(pair.cert), "--tls-key", str(pair.key)]
    log = folder / "log.txt"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, env=clean_environment())
    try:
        wait_until(lambda: listens(port), 30)
        yield SecuredHub(authority, pair, f"https://127.0.0.1:{port}", str(key), process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def agent_status(hub: SecuredHub, folder: Path, authority: Authority, pair: Pair | None) -> Any:
    """What an agent with these files says of its link once it has something to say."""
    data_dir = DataDir(folder)
    make_task(data_dir)
    shown = f", cert: {pair.cert}, key: {pair.key}" if pair else ""
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text(
        f"cloud:\n  api_url: {hub.url}\n  api_key: {hub.key}\n"
        f"  tls: {{ca: {authority.ca}{shown}}}\n"
    )
    stop = threading.Event()
    running = threading.Thread(target=agent.run, args=(data_dir, stop))
    running.start()
    file = data_dir.state / STATUS_FILE

    def told() -> Any:
        status = json.loads(file.read_text()) if file.exists() else {}
        return status if status.get("problem") or status.get("notified") else None

    try:
        return wait_until(told)
    finally:
        stop.set()
        running.join()


def shown_by(hub: SecuredHub) -> bytes:
    """The certificate that the hub shows now."""
    port = int(hub.url.rpartition(":")[2])
    text = ssl.get_server_certificate(
        ("127.0.0.1", port), ca_certs=str(hub.authority.ca), timeout=10
    )
    return text.encode()


def test_an_agent_that_shows_its_certificate_is_registered_and_told_at_once(hub, tmp_path):
    pair = hub.authority.issue("box", client=True)
    status = agent_status(hub, tmp_path, hub.authority, pair)
    assert status["registered"]
    assert status["notified"]


def test_an_agent_without_a_certificate_is_refused_and_says_what_may_be_missing(hub, tmp_path):
    status = agent_status(hub, tmp_path, hub.authority, None)
    assert not status["registered"]
    assert "wants a client certificate" in status["problem"]


def test_an_agent_does_not_talk_to_a_hub_of_another_authority(hub, tmp_path):
    other = Authority(tmp_path / "other", "Another")
    status = agent_status(hub, tmp_path / "box", other, other.issue("box", client=True))
    assert not status["registered"]
    assert "its certificate is not trusted here" in status["problem"]


def test_a_client_of_tls_1_2_is_refused(hub):
    context = ssl.create_default_context(cafile=str(hub.authority.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = int(hub.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_renewed_certificates_are_taken_up_at_sighup_and_faulty_ones_change_nothing(hub):
    first = shown_by(hub)
    hub.authority.issue("hub", lasts=timedelta(days=-1))
    hub.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the certificates stay as they were" in hub.log.read_text())
    assert shown_by(hub) == first
    hub.authority.issue("hub")
    hub.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shown_by(hub) != first)


def test_a_central_box_asks_its_hub_with_its_certificate_and_says_what_is_wrong_with_one(
    hub, tmp_path
):
    def answer_of(name: str, authority: Authority) -> dict[str, Any]:
        data_dir = DataDir(tmp_path / name)
        pair = hub.authority.issue(f"{name}-box", client=True)
        data_dir.deployment_file.parent.mkdir(parents=True)
        data_dir.deployment_file.write_text(
            f"runtime: {{mode: central}}\ncloud:\n  api_url: {hub.url}\n  api_key: {hub.key}\n"
            f"  tls: {{ca: {authority.ca}, cert: {pair.cert}, key: {pair.key}}}\n"
        )

        async def ask() -> bytes:
            central = open_central(data_dir, load_deployment(data_dir.deployment_file))
            await central.start()
            try:
                answer = await central.page("/ready", b"one")
                return answer.body
            finally:
                await central.close()

        return json.loads(asyncio.run(ask()))

    # Over the handshake, and then refused as its key may only be an edge's.
    assert "needs the scope execute" in answer_of("known", hub.authority)["detail"]
    told = answer_of("stranger", Authority(tmp_path / "other"))
    assert told["status"] == 503 and "certificate" in told["detail"]
