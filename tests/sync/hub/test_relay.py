"""Several processes of one hub on one PostgreSQL: clients of each hear what any is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support import TASK, wait_until
from tests.sync.conftest import RunningHub
from tests.sync.hub.postgres import new_database
from tests.sync.hub.test_hub import HANDSHAKE, upload


@pytest.fixture
def hubs(tmp_path: Path, postgres: str) -> Iterator[list[RunningHub]]:
    """Two hubs of one folder, so with one signing key, on one database."""
    database = new_database(postgres, f"hub-{uuid4().hex[:12]}")
    running = [RunningHub(tmp_path / "hub", database) for _ in range(2)]
    for hub in running:
        wait_until(lambda hub=hub: hub.app.state.relay.connections == 1)  # type: ignore[misc]
    yield running
    for hub in running:
        hub.stop()


def test_boxes_at_every_process_are_told_once_also_after_the_database_was_away(
    hubs: list[RunningHub], packages: list[bytes], postgres: str
) -> None:
    first, second = hubs
    key = first.new_key("edge")
    with (
        connect(_address(first, key)) as here,
        connect(_address(second, key)) as there,
        connect(_address(second, first.new_key("edge", tenant="rival"))) as other,
        first.client("publish") as author,
    ):
        for socket in (here, there, other):
            socket.send(HANDSHAKE)
            assert socket.recv() == "{}\x1e"
        upload(author, packages[0])
        assert [_told(socket) for socket in (here, there)] == [[TASK, 1], [TASK, 1]]
        with psycopg.connect(postgres, autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            )
        for hub in hubs:
            wait_until(lambda hub=hub: hub.app.state.relay.connections == 2)  # type: ignore[misc]
        upload(author, packages[1])
        assert [_told(socket) for socket in (here, there)] == [[TASK, 2], [TASK, 2]]
        for socket in (here, there, other):
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.2)


def test_a_client_may_connect_at_another_process_than_it_negotiated_with(
    hubs: list[RunningHub],
) -> None:
    first, second = hubs
    key = first.new_key("edge")
    bearer = {"authorization": f"Bearer {key}"}
    path = "/hubs/loopai/negotiate?negotiateVersion=1"
    token = httpx.post(first.url + path, headers=bearer).json()["connectionToken"]
    with connect(f"{_address(second, key)}&id={token}") as socket:
        socket.send(HANDSHAKE)
        assert socket.recv() == "{}\x1e"
        with (
            pytest.raises(InvalidStatus) as refusal,
            connect(f"{_address(second, key)}&id={token}"),
        ):
            pass
        assert refusal.value.response.status_code == 409
    forged = token[:-1] + ("A" if token[-1] != "A" else "Q")
    for given, whose in ((token, first.new_key("edge")), (forged, key), ("short", key)):
        with (
            pytest.raises(InvalidStatus) as refusal,
            connect(f"{_address(second, whose)}&id={given}"),
        ):
            pass
        assert refusal.value.response.status_code == 404


def _address(hub: RunningHub, key: str) -> str:
    return hub.url.replace("http", "ws") + f"/hubs/loopai?access_token={key}"


def _told(socket: Any) -> Any:
    return json.loads(socket.recv(timeout=10).rstrip("\x1e"))["arguments"]
