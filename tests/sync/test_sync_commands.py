"""`python -m sync` and `loopai hub`, as a person runs them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from sync.outbox import Outbox
from sync.telemetry_observer import outbox_file
from tests.support import TASK, clean_environment, make_task, promote, wait_until


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        env={**clean_environment(), **environment},
        timeout=60,
    )


def test_a_preview_is_what_will_be_sent_with_redactions_marked(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    place = ("--data-dir", str(tmp_path))
    assert run("sync", "preview", *place).stdout == "Nothing waits to be sent.\n"
    outbox = Outbox(outbox_file(data_dir))
    outbox.put(TASK, [{"execution_id": "1", "input": "by [EMAIL:0123456789ab]"}])
    outbox.close()
    shown = run("sync", "preview", *place)
    assert '"input":"by [EMAIL:0123456789ab]"' in shown.stdout
    assert "1 rows of spam-detection" in shown.stderr
    (upload,) = json.loads(run("sync", "preview", "--json", *place).stdout)["uploads"]
    assert upload["rows"][0]["execution_id"] == "1"
    outbox = Outbox(outbox_file(data_dir))
    outbox.make_batches({"v": 1, "deployment_id": "box"}, wait_seconds=-1)
    batch = outbox.next_batch()
    outbox.close()
    assert batch is not None
    command = [sys.executable, "-m", "sync", "preview", "--raw", *place]
    raw = subprocess.run(command, capture_output=True, check=True, env=clean_environment()).stdout
    assert raw == batch.payload
    assert gzip.decompress(raw)


def test_an_audit_says_whether_the_chain_holds(tmp_path: Path) -> None:
    log = AuditLog(DataDir(tmp_path).state / AUDIT_FILE)
    for size in (10, 20):
        log.append("telemetry", bytes=size)
    done = run("sync", "audit", "--data-dir", str(tmp_path))
    assert (done.returncode, "2 entries, 30 bytes" in done.stdout) == (0, True)
    log.file.write_bytes(log.file.read_bytes().replace(b'"bytes":10', b'"bytes":11'))
    broken = run("sync", "audit", "--data-dir", str(tmp_path))
    assert broken.returncode == 1
    assert "was changed" in broken.stderr
    assert json.loads(run("sync", "audit", "--json", "--data-dir", str(tmp_path)).stdout)["problem"]


def test_a_hub_is_started_published_to_backed_up_and_restored(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "author")
    promote(data_dir, make_task(data_dir))
    folder = ("--folder", str(tmp_path / "hub"))
    create = ("workbench", "hub", "keys", "create", "ci", "--tenant", "acme", "--json", *folder)
    made = json.loads(run(*create, "--scope", "publish", "--scope", "edge").stdout)
    with StartedHub(folder) as (url, log):
        publish = ("workbench", "hub", "publish", TASK, "v1", "--url", url)
        done = run(*publish, "--data-dir", str(data_dir.root), LOOPAI_API_KEY=made["key"])
        assert "is published" in done.stdout, done.stderr
        backup = run("workbench", "hub", "backup", str(tmp_path / "copy"), *folder)
        assert backup.returncode == 0, backup.stderr
    assert made["key"] not in log()
    listed = json.loads(run("workbench", "hub", "keys", "list", "--json", *folder).stdout)
    assert [one["name"] for one in listed] == ["ci"]
    assert run("workbench", "hub", "keys", "revoke", made["id"], *folder).returncode == 0
    copy = ("--folder", str(tmp_path / "copy"))
    assert stat.S_IMODE((tmp_path / "copy" / "signing.key").stat().st_mode) == 0o600
    with StartedHub(copy) as (url, _):  # as it was before the key was revoked
        headers = {"authorization": f"Bearer {made['key']}"}
        got = httpx.get(f"{url}/api/v1/artifacts/{TASK}/v1/download", headers=headers)
        assert got.content == ArtifactStore(data_dir).zip_bytes(TASK, 1)


def test_beyond_loopback_a_hub_wants_tls(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path / "hub"))
    done = run("workbench", "hub", "start", "--host", "0.0.0.0", *folder)
    assert done.returncode == 2
    assert "in the clear" in done.stderr


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.HTTPError:
        return False


class StartedHub:
    """A hub as a process of its own, on a free port."""

    def __init__(self, folder: tuple[str, ...]) -> None:
        self._errors = Path(folder[1]).parent / "hub-errors.txt"
        command = [sys.executable, "-m", "workbench", "hub", "start", "--port", "0", *folder]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(command, stderr=errors, env=clean_environment())

    def __enter__(self) -> tuple[str, Any]:
        text = wait_until(lambda: "running on" in self._log() and self._log(), 30)
        url = text.split("running on ")[1].split()[0]
        wait_until(lambda: _answers(url), 60)  # it has its port before it listens
        return url, self._log

    def __exit__(self, *exception: object) -> None:
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(timeout=20)

    def _log(self) -> str:
        return self._errors.read_text()
