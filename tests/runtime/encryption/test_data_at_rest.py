"""A data directory under a key: nothing in the clear, all of it usable, the key replaceable."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.clock import utc_now
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.log_files import list_log_files
from runtime.datasets.reader import LogReader
from runtime.encryption.rotate import rotate, standing
from runtime.steward.samples import count_by_state
from runtime.steward.state import open_state
from sync.outbox import Outbox
from sync.telemetry_observer import outbox_file
from tests.runtime.encryption.encrypted import configure, encrypted_dir, write_key
from tests.support import (
    TASK,
    RunningRuntime,
    clean_environment,
    log_line,
    make_task,
    promote,
    wait_until,
)

PLANTED = "grey-heron-4711"
#: Text comes back in outputs and in errors, as it does from an extraction.
PROGRAM = """
def run(input_data):
    text = input_data["text"]
    if "crash" in text:
        return {}[text]
    return text
"""
SETTINGS = """
cloud: {api_url: "http://127.0.0.1:9", api_key: none, signalr_enabled: false}
telemetry: {privacy_mode: permissive}
sampling: {rate: 0.2, strategy: stratified}
alerts: {failure_rate: {warning: 0.01, critical: 0.02}}
"""
EXECUTIONS = 60
pytestmark = pytest.mark.thorough


@dataclass
class Kept:
    """A data directory after traffic, and its keys."""

    data_dir: DataDir
    keys: Path

    def cli(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        command = [sys.executable, "-m", "workbench.cli", *arguments]
        done = subprocess.run(
            [*command, "--data-dir", str(self.data_dir.root)],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=120,
            check=False,
        )
        assert done.returncode in ok, done.stderr
        return done.stdout

    def in_the_clear(self) -> list[str]:
        """Files outside the task itself in which what was planted can be read."""
        found = []
        for path in self.data_dir.root.rglob("*"):
            of_task = self.data_dir.tasks in path.parents
            if path.is_file() and not of_task and PLANTED.encode() in path.read_bytes():
                found.append(str(path.relative_to(self.data_dir.root)))
        return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("at-rest")
    data_dir = encrypted_dir(folder, more=SETTINGS)
    task = make_task(data_dir, output_schema={"type": "string"}, sampling_rate=0.2)
    promote(data_dir, task, PROGRAM)
    two_days_ago = utc_now() - timedelta(days=2)
    log = ExecutionLog(data_dir.executions(TASK))
    stamp = two_days_ago.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lines = [log_line(n, stamp, input={"text": f"{PLANTED} {n}"}) for n in range(50)]
    log.append(lines, two_days_ago)
    log.close()
    with RunningRuntime(data_dir, steward=True) as running:
        for number in range(EXECUTIONS):
            crash = "crash " if number % 10 == 0 else ""
            assert running.execute({"text": f"{crash}{PLANTED} {number}"}).status_code in (200, 502)
        with open_state(data_dir) as state:

            def done() -> bool:
                report = data_dir.state / "steward.json"
                lag = json.loads(report.read_text()) if report.exists() else {}
                return bool(lag) and not lag["tasks"].get(TASK, {"lag_bytes": 1})["lag_bytes"]

            wait_until(done, 60)
            wait_until(lambda: count_by_state(state.connection, TASK)["waiting"], 30)
        running.stop()
    kept = Kept(data_dir, folder / "keys")
    assert PLANTED in kept.cli("data", "tail", TASK)
    yield kept


def test_real_traffic_leaves_nothing_in_the_clear(kept):
    shown = json.loads(kept.cli("label", TASK, "--json"))
    identity = shown["samples"][0]["execution_id"]
    kept.cli("label", TASK, "--accept", identity)
    kept.cli("stats", TASK, "--days", "3")
    kept.cli("retention", "run")
    files = list_log_files(kept.data_dir.executions(TASK))
    assert [file.compressed for file in files] == [True, False]
    assert list(kept.data_dir.validations(TASK).glob("sampled-*"))
    assert list(kept.data_dir.analytics(TASK).glob("*.json"))
    outbox = Outbox(outbox_file(kept.data_dir))
    assert any(PLANTED.encode() in _unzipped(batch.payload) for batch in outbox.preview({"v": 1}))
    outbox.close()
    assert kept.in_the_clear() == []


def test_all_of_it_is_read_as_if_it_were_plain(kept):
    rows = kept.cli(
        "data", "query", "--json",
        f"select count(*) as n from executions where input->>'text' like '%{PLANTED}%'",
    )  # fmt: skip
    assert json.loads(rows) == [{"n": EXECUTIONS + 50}]
    exported = kept.cli("data", "export", TASK, "--where", f"input.text~{PLANTED} 7")
    assert len([line for line in exported.splitlines() if '"execution"' in line]) >= 2
    stats = json.loads(kept.cli("stats", TASK, "--json", "--days", "3"))
    assert stats["executions"] == EXECUTIONS + 50
    replayed = json.loads(kept.cli("replay", TASK, "--json"))
    assert replayed["rows"] == EXECUTIONS + 50
    kept.cli("report", TASK, "--output", str(kept.keys / "report.html"))


def test_one_persons_records_are_erased_where_they_stand(kept):
    before = sum(1 for _ in LogReader(kept.data_dir.executions(TASK)).records())
    erased = json.loads(
        kept.cli("data", "erase", TASK, "--where", f"input.text={PLANTED} 11", "--yes", "--json")
    )
    assert erased["executions"] == 2
    reader = LogReader(kept.data_dir.executions(TASK))
    records = list(reader.records())
    assert len(records) == before
    assert reader.malformed == 0
    assert sum(record.get("erased", False) for record in records) == 2
    assert f"{PLANTED} 11" not in {record.get("input", {}).get("text") for record in records}


def test_another_key_takes_over_old_lines_too(kept):
    data_dir, old = kept.data_dir, kept.keys / "log.key"
    new = write_key(kept.keys / "new.key")
    records = list(LogReader(data_dir.executions(TASK)).records())
    configure(data_dir, new, old, more=SETTINGS)
    before = standing(data_dir)
    assert not before.done
    done = rotate(data_dir)
    assert done.left == []
    assert done.files >= 3
    assert done.values > 0
    configure(data_dir, new, more=SETTINGS)
    after = standing(data_dir)
    assert after.done
    assert sum(after.files.values()) == sum(before.files.values())
    reader = LogReader(data_dir.executions(TASK))
    assert [record["execution_id"] for record in reader.records()] == [
        record["execution_id"] for record in records
    ]
    assert reader.malformed == 0
    assert rotate(data_dir).files == 0
    assert kept.in_the_clear() == []
    with RunningRuntime(data_dir) as running:
        assert running.execute({"text": f"{PLANTED} again"}).status_code == 200
        running.stop()
    assert len(list(LogReader(data_dir.executions(TASK)).records())) == len(records) + 1


def _unzipped(payload: bytes) -> bytes:
    import gzip

    return gzip.decompress(payload)
