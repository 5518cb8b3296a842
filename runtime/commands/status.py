"""`status`: what runs on this box, how far the log is read, what is wrong, what it takes up."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from typing import Any

import click

from runtime.alerts.standings import read_alerts
from runtime.artifacts import ArtifactStore
from runtime.clock import utc_now
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, NotFoundError, Problem
from runtime.steward.report import is_silent, read_report
from runtime.steward.samples import TABLES as SAMPLES
from runtime.steward.samples import count_by_state
from runtime.steward.state import open_state, state_file
from runtime.validation.standing import read_standing


@click.command("status", help="What runs here, how far the log is read, and what is wrong.")
@data_dir_option
@json_option
def command(data_dir: DataDir, as_json: bool) -> int:
    if not data_dir.root.is_dir():
        raise NotFoundError(
            Problem(
                f"there is no data directory at {data_dir.root}.",
                remedy="Name it with --data-dir or LOOPAI_DATA_DIR.",
            )
        )
    status = read_status(data_dir, utc_now())
    if as_json:
        print_json(status)
    else:
        click.echo("\n".join(describe(status)))
    critical = any(alert["level"] == "critical" for alert in status["alerts"])
    return EXIT_NO if critical else 0


def read_status(data_dir: DataDir, moment: datetime) -> dict[str, Any]:
    """All of it as JSON. Raises OSError."""
    report = read_report(data_dir)
    usage = shutil.disk_usage(data_dir.root)
    tasks = sorted({*data_dir.task_names(), *(report["tasks"] if report else ())})
    return {
        "v": 1,
        "data_dir": str(data_dir.root),
        "steward": {
            "state": _steward_state(report, moment),
            "since": report["started_at"] if report else None,
            "heard_of": report["at"] if report else None,
            "lines_read": report["lines_read"] if report else 0,
            "problem": report["problem"] if report else None,
            "failing": report["failing"] if report else [],
            "errors": report["errors"] if report else {},
        },
        "alerts": read_alerts(data_dir),
        "tasks": {task: _of_task(data_dir, task, report) for task in tasks},
        "disk": {
            "used_by_data": _bytes_of(data_dir),
            "free": usage.free,
            "used_percent": round(100 * usage.used / max(1, usage.used + usage.free), 1),
        },
    }


def describe(status: dict[str, Any]) -> list[str]:
    """The same for a person."""
    steward = status["steward"]
    lines = [f"steward: {steward['state']}"]
    if steward["problem"]:
        lines.append(f"  {steward['problem']}")
    for failing in steward["failing"]:
        of = f" on {failing['task']}" if failing["task"] else ""
        lines.append(f"  {failing['observer']} fails{of}: {failing['error']}")
    if not status["alerts"]:
        lines.append("alerts: none")
    for alert in status["alerts"]:
        of = f"{alert['task']}: " if alert["task"] else ""
        since = alert["since"][:16].replace("T", " ")
        lines.append(f"{alert['level']}: {alert['alert']}, {of}{alert['message']} Since {since}.")
    disk = status["disk"]
    lines.append(
        f"disk: {disk['used_by_data'] / 1e6:,.1f} MB of data, {disk['free'] / 1e9:,.1f} GB free, "
        f"{disk['used_percent']:g} % used"
    )
    if not status["tasks"]:
        lines.append("There are no tasks here yet.")
    for name, task in status["tasks"].items():
        serving = f"v{task['active_version']}" if task["active_version"] else "no active version"
        read = "never read" if task["lag_bytes"] is None else "all read"
        if task["lag_bytes"]:
            read = f"{task['lag_bytes']:,} bytes behind ({task['lag_seconds']:.0f} s)"
        samples = task["samples"]
        lines.append(
            f"{name}: {serving}; {read}; samples: {samples['waiting']:,} waiting, "
            f"{samples['done']:,} done"
        )
        lines += [f"  validation: {problem}" for problem in task["validation"]["problems"]]
        if task["rollout"]:
            lines.append(f"  rollout: {_rollout_text(task['rollout'])}")
    return lines


def _steward_state(report: dict[str, Any] | None, moment: datetime) -> str:
    if report is None:
        return "never ran here"
    return "silent" if is_silent(report, moment) else "running"


def _of_task(data_dir: DataDir, task: str, report: dict[str, Any] | None) -> dict[str, Any]:
    figures = (report or {"tasks": {}})["tasks"].get(task, {})
    try:
        active = ArtifactStore(data_dir).active(task)
    except (LoopaiError, OSError):
        active = None
    return {
        "active_version": active,
        "lag_bytes": figures.get("lag_bytes"),
        "lag_seconds": figures.get("lag_seconds"),
        "samples": _samples(data_dir, task),
        "validation": read_standing(data_dir).get(task, {"problems": [], "oracles_today": {}}),
        "rollout": _rollout(data_dir, task),
    }


def _samples(data_dir: DataDir, task: str) -> dict[str, int]:
    if not state_file(data_dir).exists():
        return {"waiting": 0, "done": 0, "skipped": 0}
    with open_state(data_dir, SAMPLES) as state:
        return count_by_state(state.connection, task)


def _rollout(data_dir: DataDir, task: str) -> dict[str, Any] | None:
    try:
        rollout = json.loads(data_dir.rollout_file(task).read_bytes())
    except (OSError, ValueError):
        return None
    wanted = ("state", "percent", "baseline", "candidate", "reason")
    return {name: rollout.get(name) for name in wanted}


def _rollout_text(rollout: dict[str, Any]) -> str:
    versions = f"v{rollout['baseline']} -> v{rollout['candidate']}"
    return f"{versions} {rollout['state']} at {rollout['percent']} %: {rollout['reason']}"


def _bytes_of(data_dir: DataDir) -> int:
    total = 0
    for path in data_dir.root.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
        except OSError:
            continue  # removed meanwhile
    return total
