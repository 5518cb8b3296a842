"""`loopai status`: what runs here, how far it is and what is wrong, for people and for scripts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from runtime.alerts.standings import write_alerts
from runtime.clock import format_time, utc_now
from runtime.commands.retention import command as retention
from runtime.commands.status import command
from runtime.data_dir import DataDir
from runtime.errors import NotFoundError
from runtime.server.dashboard import dashboard_html
from runtime.steward.report import write_report
from tests.support import TASK, log_line, make_task, promote

ALERT = {
    "alert": "failure-rate", "task": TASK, "level": "critical", "value": 0.4, "warning": 0.05,
    "critical": 0.15, "since": "2026-11-22T10:00:00.000000Z",
    "message": "40.0% of <b>100</b> executions in 10 min failed.",
}  # fmt: skip


def run(data_dir: DataDir, *arguments: str, of=command):
    place = ["--data-dir", str(data_dir.root)]
    return CliRunner().invoke(
        of, [*arguments, *place], standalone_mode=False, catch_exceptions=False
    )


def report(age: int = 0, **more) -> dict:
    moment = format_time(utc_now() - timedelta(seconds=age))
    return {
        "v": 1, "started_at": moment, "at": moment, "observers": [], "lines_read": 5,
        "problem": None, "failing": [], "errors": {},
        "tasks": {TASK: {"lag_bytes": 2000, "lag_seconds": 61.0}}, **more,
    }  # fmt: skip


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    promote(data_dir, make_task(data_dir))
    return data_dir


def test_a_box_whose_steward_never_ran_says_so(data_dir: DataDir):
    result = run(data_dir)
    assert result.return_value == 0
    assert "steward: never ran here" in result.output
    assert f"{TASK}: v1; never read" in result.output


def test_lag_failures_and_alerts_are_shown(data_dir: DataDir):
    failing = {"observer": "statistics", "task": TASK, "error": "OSError: full", "times": 3}
    write_report(data_dir, report(failing=[failing]))
    write_alerts(data_dir, [ALERT])
    result = run(data_dir)
    assert result.return_value == 1  # something is critical
    assert "steward: running" in result.output
    assert f"statistics fails on {TASK}: OSError: full" in result.output
    assert "2,000 bytes behind (61 s)" in result.output
    assert "critical: failure-rate" in result.output
    data = json.loads(run(data_dir, "--json").output)
    assert data["tasks"][TASK]["lag_seconds"] == 61
    assert data["alerts"] == [ALERT]
    assert data["disk"]["free"] > 0


def test_a_steward_that_is_not_heard_of_is_silent(data_dir: DataDir):
    write_report(data_dir, report(age=60))
    assert "steward: silent" in run(data_dir).output


def test_a_running_rollout_is_shown(data_dir: DataDir):
    rollout = {"state": "running", "percent": 10, "baseline": 1, "candidate": 2, "reason": "begun"}
    data_dir.rollout_file(TASK).write_text(json.dumps(rollout))
    assert "rollout: v1 -> v2 running at 10 %: begun" in run(data_dir).output


def test_a_place_that_is_none_is_said(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no data directory"):
        run(DataDir(tmp_path / "nowhere"))
    with pytest.raises(NotFoundError, match="no data directory"):
        run(DataDir(tmp_path / "nowhere"), "run", of=retention)


def test_the_retention_command_rehearses_in_words_and_in_json(data_dir: DataDir):
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True)
    (folder / "2020-01-01.jsonl").write_bytes(log_line(1) + b"\n")
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text("runtime: {steward: false}\n")
    shown = run(data_dir, "run", "--dry-run", of=retention)
    assert "1 files would be deleted" in shown.output
    assert "kept for 30 days" in shown.output
    data = json.loads(run(data_dir, "run", "--json", of=retention).output)
    assert data["deleted"][0]["day"] == "2020-01-01"
    assert not list(folder.glob("*.jsonl"))


def test_the_dashboard_shows_alerts_as_text():
    page = dashboard_html([], "1.0", [ALERT])
    assert "40.0% of &lt;b&gt;100&lt;/b&gt; executions" in page
    assert "Since 2026-11-22 10:00." in page
