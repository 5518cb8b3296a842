"""Serving keys over HTTP: who is let in, and that a key is never shown."""

from __future__ import annotations

import os
import signal

import httpx
import pytest
from support import TASK, RunningRuntime, server_folder, wait_until

from runtime.keys import KeyFile

SERVE_KEY = "a long random text from the environment"


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    data_dir = server_folder(tmp_path_factory.mktemp("locked"))
    arguments = ("--host", "0.0.0.0")
    environment = {"LOOPAI_SERVE_KEY": SERVE_KEY}
    with RunningRuntime(data_dir, *arguments, environment=environment) as running:
        yield running


def post(runtime, authorization: str | None):
    headers = {"authorization": authorization} if authorization is not None else {}
    return runtime.http.post("/execute", json={"input": {"text": "buy"}}, headers=headers)


def test_the_key_of_the_environment_lets_in(locked):
    assert post(locked, f"Bearer {SERVE_KEY}").status_code == 200
    assert post(locked, f"bearer  {SERVE_KEY}").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {SERVE_KEY}", SERVE_KEY,
     f"Bearer {SERVE_KEY}x", f"Bearer {SERVE_KEY[:-1]}", "Bearer é"],
)  # fmt: skip
def test_anything_else_is_401(locked, authorization):
    encoded = authorization.encode() if authorization is not None else None
    response = post(locked, encoded)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["type"] == "urn:loopai:problem:unauthorized"


@pytest.mark.parametrize("path", ["/metrics", "/v1/tasks", f"/v1/artifacts/{TASK}", "/nowhere"])
def test_nothing_but_health_is_shown_without_a_key(locked, path):
    assert locked.http.get(path).status_code == 401


def test_a_load_balancer_may_ask_for_health_but_learns_no_more(locked):
    assert locked.http.get("/health").json() == {"status": "ok"}
    assert locked.http.get("/ready").json() == {"status": "ready"}
    key = {"authorization": f"Bearer {SERVE_KEY}"}
    assert TASK in locked.http.get("/health", headers=key).json()["tasks"]


def test_keys_made_and_revoked_are_noticed_without_a_restart(locked):
    file = KeyFile(locked.data_dir.keys_file)
    stored, key = file.create("till 4", ["execute"])
    wait_until(lambda: post(locked, f"Bearer {key}").status_code == 200)
    headers = {"authorization": f"Bearer {key}"}
    refused = locked.http.get("/metrics", headers=headers)
    assert refused.status_code == 403
    assert "may not read" in refused.json()["detail"]
    file.revoke(stored.id)
    wait_until(lambda: post(locked, f"Bearer {key}").status_code == 401)


def test_no_key_is_ever_in_the_log(locked):
    assert SERVE_KEY not in locked.errors()


def test_revoking_the_last_key_locks_the_door(served_dir):
    file = KeyFile(served_dir.keys_file)
    stored, key = file.create("only", ["execute"])
    with RunningRuntime(served_dir) as runtime:
        assert post(runtime, f"Bearer {key}").status_code == 200
        file.revoke(stored.id)
        wait_until(lambda: post(runtime, f"Bearer {key}").status_code == 401)
        assert post(runtime, None).status_code == 401


def test_a_locked_door_stays_locked_when_a_worker_is_replaced(served_dir):
    file = KeyFile(served_dir.keys_file)
    with RunningRuntime(served_dir) as runtime:
        assert post(runtime, None).status_code == 200
        stored, _ = file.create("only", ["execute"])
        wait_until(lambda: post(runtime, None).status_code == 401)
        file.revoke(stored.id)
        (worker,) = runtime.worker_pids()
        os.kill(worker, signal.SIGKILL)
        runtime.http.close()
        wait_until(lambda: worker not in runtime.worker_pids())
        with httpx.Client(base_url=runtime.url, timeout=30) as runtime.http:
            assert post(runtime, None).status_code == 401
