"""A key revoked at the console, in another process, ends what it had connected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sync.hub.app import open_hub
from sync.hub.hub_keys import HubKeys
from tests.sync.hub.test_hub import HANDSHAKE


def test_a_revoked_key_loses_its_connection_and_others_keep_theirs(
    hub: Any, tmp_path: Path, database: str | None
) -> None:
    keys = [hub.new_key("edge") for _ in range(2)]
    address = hub.url.replace("http", "ws") + "/hubs/loopai?access_token="
    with connect(address + keys[0]) as revoked, connect(address + keys[1]) as kept:
        for socket in (revoked, kept):
            socket.send(HANDSHAKE)
            assert socket.recv() == "{}\x1e"
        elsewhere, _ = open_hub(tmp_path / "hub", database)
        HubKeys(elsewhere).revoke(keys[0].split("_")[1])
        elsewhere.close()
        told = json.loads(revoked.recv(timeout=20).rstrip("\x1e"))
        assert (told["type"], told["error"]) == (7, "The key was revoked.")
        assert not told.get("allowReconnect")
        with pytest.raises(ConnectionClosed):
            revoked.recv(timeout=20)
        with pytest.raises(TimeoutError):
            kept.recv(timeout=1.5)
