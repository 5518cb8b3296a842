"""Disks that refuse: full or read-only, answered 503 with the reason until they can be written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import TASK, RunningRuntime, logged


@pytest.fixture
def small_disk(served_dir):
    """The log's folder on a disk of 256 kB of its own."""
    folder = served_dir.executions(TASK)
    folder.mkdir(parents=True)
    mounted = mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", folder)
    if not mounted:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def mount(*arguments: object) -> bool:
    command = ["mount", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def refused(runtime, reason: str) -> None:
    """An execution is 503, and the runtime says it is not ready, both with the reason."""
    response = runtime.execute({"text": "lost " + "x" * 10_000})
    assert response.status_code == 503
    assert response.json()["type"] == "urn:loopai:problem:log-unwritable"
    assert reason in response.json()["detail"]
    assert "retry-after" in response.headers
    ready = runtime.http.get("/ready")
    assert ready.status_code == 503
    assert reason in ready.json()["detail"]
    assert runtime.http.get("/health").json()["tasks"][TASK]["log_problem"] == reason


def test_a_full_disk_is_503_and_not_ready_and_passes_by_itself(served_dir, small_disk: Path):
    with RunningRuntime(served_dir) as runtime:
        assert runtime.execute({"text": "before"}).status_code == 200
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 4096)
        refused(runtime, "No space left on device")
        filler.unlink()
        assert runtime.http.get("/ready").status_code == 200, "though nothing was sent since"
        assert runtime.execute({"text": "after"}).status_code == 200
        assert runtime.http.get("/health").json()["status"] == "ok"
        texts = [line["input"]["text"] for line in logged(served_dir)]
        assert texts == ["before", "after"], "what was refused is not there, in part or whole"
        metrics = runtime.http.get("/metrics").text
        counted = f'loopai_executions_total{{status="success",task="{TASK}",version="1"}} 2.0'
        assert counted in metrics


def test_a_read_only_disk_is_503_and_not_ready_and_passes_by_itself(served_dir, small_disk):
    assert mount("-o", "remount,ro", small_disk)
    with RunningRuntime(served_dir) as runtime:
        refused(runtime, "Read-only file system")
        assert mount("-o", "remount,rw", small_disk)
        assert runtime.http.get("/ready").status_code == 200
        assert runtime.execute({"text": "after"}).status_code == 200
        assert [line["input"]["text"] for line in logged(served_dir)] == ["after"]
