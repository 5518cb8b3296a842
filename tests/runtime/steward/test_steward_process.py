"""The steward as a process: started beside the workers, killed at any moment, one at a time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.rollup import daily_stats
from runtime.steward.report import read_report
from runtime.steward.samples import count_by_state
from runtime.steward.state import open_state, state_file
from tests.support import (
    TASK,
    RunningRuntime,
    clean_environment,
    log_line,
    server_folder,
    wait_until,
)

DAY = "2026-11-22"


def start_steward(data_dir: DataDir) -> subprocess.Popen[bytes]:
    environment = {**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)}
    with (data_dir.root / "steward.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "runtime.steward"], env=environment, stderr=log
        )


def is_caught_up(data_dir: DataDir, size: int) -> bool:
    """Whether every observer has read every byte."""
    with open_state(data_dir) as state:
        rows = state.connection.execute(
            "SELECT observer, sum(offset) AS read FROM cursors GROUP BY observer"
        ).fetchall()
    observers = {row["observer"] for row in rows}
    return {"statistics", "sampling", "alerts"} <= observers and all(
        row["read"] == size for row in rows
    )


def test_the_steward_runs_beside_the_workers_and_is_started_again(tmp_path: Path):
    data_dir = server_folder(tmp_path)
    with RunningRuntime(data_dir, steward=True) as runtime:
        for number in range(20):
            runtime.execute({"text": f"buy {number}"})
        first = runtime.steward_pid()
        wait_until(lambda: state_file(data_dir).exists() and read_report(data_dir))
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: runtime.steward_pid() != first)
        log = sum(path.stat().st_size for path in data_dir.executions(TASK).iterdir())
        wait_until(lambda: is_caught_up(data_dir, log), 30)
        text = wait_until(
            lambda: (
                (found := runtime.http.get("/metrics").text)
                and f'loopai_steward_lag_bytes{{task="{TASK}"}} 0.0' in found
                and found
            )
        )
        assert "loopai_steward_up 1.0" in text
        assert 'loopai_steward_errors_total{observer="statistics"} 0.0' in text
        day = runtime.http.get("/v1/datasets/spam-detection/executions?limit=1").json()
        assert day
        assert runtime.stop() == 0
    with open_state(data_dir) as state:
        rows = state.connection.execute("SELECT sums FROM day_sums").fetchall()
    assert sum(json.loads(row["sums"])["executions"] for row in rows) == 20


def test_there_is_no_steward_where_the_settings_say_so(tmp_path: Path):
    data_dir = server_folder(tmp_path)
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text("runtime: {steward: false}\n")
    assert not load_deployment(data_dir.deployment_file).runtime.steward
    with RunningRuntime(data_dir, steward=True) as runtime:
        assert "loopai_steward_up 0.0" in runtime.http.get("/metrics").text
        assert not state_file(data_dir).exists()


def test_a_second_steward_waits_for_the_first_to_end(tmp_path: Path):
    data_dir = server_folder(tmp_path)
    first = start_steward(data_dir)
    try:
        wait_until(lambda: read_report(data_dir))
        second = start_steward(data_dir)
        try:
            log = data_dir.root / "steward.log"
            wait_until(lambda: "another steward looks after" in log.read_text())
            first.send_signal(signal.SIGTERM)
            assert first.wait(30) == 0
            report = read_report(data_dir)
            assert report is not None
            wait_until(
                lambda: (read_report(data_dir) or report)["started_at"] != report["started_at"]
            )
        finally:
            second.terminate()
            assert second.wait(30) == 0
    finally:
        first.kill()
        first.wait()


@pytest.mark.parametrize("seconds", [3, pytest.param(20, marks=pytest.mark.thorough)])
def test_kill_9_at_any_moment_neither_loses_nor_doubles_a_line(tmp_path: Path, seconds: int):
    data_dir = server_folder(tmp_path)
    folder = data_dir.executions(TASK)
    dice = random.Random(5)
    written = [0]
    stop = threading.Event()

    def write() -> None:
        logs = [ExecutionLog(folder), ExecutionLog(folder)]
        from datetime import UTC, datetime

        moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
        while not stop.is_set():
            for log in logs:
                lines = [
                    log_line(written[0] + number, output=str(number % 5)) for number in range(40)
                ]
                log.append(lines, moment)
                written[0] += len(lines)
            stop.wait(0.02)
        for log in logs:
            log.close()

    writer = threading.Thread(target=write)
    writer.start()
    steward = start_steward(data_dir)
    try:
        deadline = time.monotonic() + seconds
        begun = None
        while time.monotonic() < deadline:
            # At every point of its work, and of its start now and then.
            if begun is None or dice.random() < 0.8:
                begun = wait_until(lambda begun=begun: has_begun(data_dir, begun), 30)
            stop.wait(dice.random() * 0.8)
            steward.kill()
            steward.wait()
            steward = start_steward(data_dir)
        stop.set()
        writer.join()
        size = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
        wait_until(lambda: is_caught_up(data_dir, size), 60)
        file = data_dir.daily_stats_file(TASK, daily_day())
        figures = wait_until(lambda: file.exists() and whole(file, written[0]), 30)
    finally:
        stop.set()
        steward.kill()
        steward.wait()
        writer.join()
    derived = daily_stats(data_dir, TASK, daily_day())
    assert figures["executions"] == derived["executions"] == written[0]
    for name in ("status", "outputs", "throughput", "drift", "log_bytes", "errors"):
        assert figures[name] == derived[name], name
    with open_state(data_dir) as state:
        seconds = state.connection.execute("SELECT sum(count) FROM day_seconds").fetchone()[0]
        minutes = state.connection.execute("SELECT count(*) FROM alert_minutes").fetchone()[0]
        sampled = count_by_state(state.connection, TASK)
    assert seconds == written[0]
    assert minutes == 0  # long ago: of no interest to alerts
    assert sampled["waiting"] + sampled["skipped"] > 0


def has_begun(data_dir: DataDir, before: str | None) -> str | None:
    """When the steward was started that reads now; None while it is the one of `before`."""
    report = read_report(data_dir)
    started = None if report is None else str(report["started_at"])
    return started if started != before else None


def daily_day():
    from datetime import date

    return date.fromisoformat(DAY)


def whole(file: Path, executions: int):
    figures = json.loads(file.read_bytes())
    return figures if figures["executions"] == executions else None
