"""What is measured for alerts, each as one number that is worse the higher it is.

It reads the database and the disk, and judges nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runtime.alerts.settings import AlertsConfig, Levels
from runtime.alerts.window import sums
from runtime.data_dir import DataDir
from runtime.encryption.values import read_document
from runtime.steward.report import read_report
from runtime.steward.state import Connection

# Without a target of the task's own.
LATENCY_TARGET_MS = 10.0


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and its levels. `task` is "" for the box as a whole; `text` says it in words."""

    rule: str
    task: str
    value: float | None
    levels: Levels
    text: str


def of_executions(
    connection: Connection, config: AlertsConfig, moment: datetime, targets: dict[str, float]
) -> Iterator[Measure]:
    """Failure rate, timeout rate and latency of each task; `targets` are its latencies in ms."""
    window = timedelta(minutes=config.window_minutes)
    for task, minutes in sums(connection, moment, window).items():
        total = minutes.executions
        if total < config.min_executions:
            continue
        of = f"of {total:,} executions in {config.window_minutes} min"
        failures = (minutes.errors + minutes.timeouts) / total
        yield Measure(
            "failure-rate", task, failures, config.failure_rate, f"{failures:.1%} {of} failed"
        )
        timeouts = minutes.timeouts / total
        yield Measure(
            "timeout-rate", task, timeouts, config.timeout_rate, f"{timeouts:.1%} {of} timed out"
        )
        p99 = minutes.latency.quantile(0.99)
        levels = latency_levels(config, targets.get(task, LATENCY_TARGET_MS))
        yield Measure("latency", task, p99, levels, f"the slowest 1 % {of} took {p99:.3g} ms")


def latency_levels(config: AlertsConfig, target_ms: float) -> Levels:
    """The levels as configured, or 10 and 100 times the target."""
    if config.latency_p99_ms != Levels():
        return config.latency_p99_ms
    return Levels(warning=10 * target_ms, critical=100 * target_ms)


def of_disk(root: Path, levels: Levels) -> Measure:
    """How full the disk of the data directory is. Raises OSError."""
    usage = shutil.disk_usage(root)
    # As df counts: what only the superuser may still write is not there.
    percent = 100 * usage.used / max(1, usage.used + usage.free)
    text = f"{percent:.1f} % of the disk are used, {usage.free / 1e9:.1f} GB are free"
    return Measure("disk", "", percent, levels, text)


def of_lag(data_dir: DataDir, levels: Levels) -> Iterator[Measure]:
    """How far the steward is behind each task's log, as it last said."""
    report = read_report(data_dir) or {"tasks": {}}
    for task, figures in report["tasks"].items():
        seconds = figures["lag_seconds"]
        text = f"the log is read {seconds:.0f} s behind ({figures['lag_bytes']:,} bytes)"
        yield Measure("steward-lag", task, seconds, levels, text)


def of_drift(data_dir: DataDir, moment: datetime, levels: Levels) -> Iterator[Measure]:
    """How far each task's last day is from its examples, as the statistics last said."""
    for file in sorted((data_dir.root / "datasets").glob("*/analytics/drift.json")):
        try:
            data = json.loads(read_document(file))
            age = moment - datetime.fromisoformat(data["at"])
            worst = data["features"][0]
            value, index, name = float(worst["drift"]), float(worst["psi"]), worst["feature"]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
        if age < timedelta(hours=data["hours"]):
            text = f"{name} has moved away from the examples (PSI {index:.2f})"
            yield Measure("drift", file.parent.parent.name, value, levels, text)


def of_sync(data_dir: DataDir, moment: datetime, levels: Levels) -> Iterator[Measure]:
    """How long ago the hub was last reached, where `state/sync.json` says so.

    The agent keeps `last_success` (RFC 3339) there; without the file nothing is synchronised.
    """
    try:
        state = json.loads((data_dir.state / "sync.json").read_bytes())
        last = datetime.fromisoformat(state["last_success"])
        minutes = (moment - last).total_seconds() / 60
    except (OSError, ValueError, KeyError, TypeError):
        return
    yield Measure(
        "sync", "", minutes, levels, f"the hub was last reached {minutes:.0f} minutes ago"
    )
