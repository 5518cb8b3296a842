"""What there is of each task at a glance: state, accuracy, versions, traffic, what needs a look.

Reads small files only, unless asked for traffic, and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from runtime.alerts.standings import read_alerts
from runtime.artifacts import ArtifactStore
from runtime.clock import utc_now
from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from runtime.datasets.rollup import stats
from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from runtime.rollout.document import read_rollout
from runtime.tasks import load_task

FAILURE_SHARE = 0.15
# A longer log of today is not counted for a glance; Analytics counts it.
MAX_COUNTED_BYTES = 64_000_000
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class TaskOverview:
    """One task. `problem` says why it cannot be read; then little else is known."""

    name: str
    task: TaskSpecification | None = None
    problem: str | None = None
    examples: int = 0
    versions: tuple[int, ...] = ()
    active: int | None = None
    #: The version that a rollout under way brings.
    rolling_out: int | None = None
    evaluation: dict[str, Any] = field(default_factory=dict)
    #: Raised by the steward for this task.
    alerts: tuple[dict[str, Any], ...] = ()

    @property
    def newest(self) -> int | None:
        return self.versions[-1] if self.versions else None

    @property
    def accuracy(self) -> float | None:
        return self.evaluation.get("accuracy")

    @property
    def state(self) -> str:
        """One or two words for a table."""
        if self.problem:
            return "cannot be read"
        if self.rolling_out:
            return "rolls out"
        if self.active:
            return "serves"
        return (
            "to promote" if self.versions else "to synthesize" if self.examples else "no examples"
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """Today's executions; `per_hour` has 24 counts (UTC). `counted` is false for a huge log."""

    executions: int = 0
    failed: int = 0
    per_hour: tuple[int, ...] = (0,) * 24
    p99_ms: float | None = None
    counted: bool = True


def overview(data_dir: DataDir, name: str) -> TaskOverview:
    """One task from its files; examples are counted, not checked."""
    store = ArtifactStore(data_dir)
    try:
        task = load_task(data_dir, name, with_examples=False)
        versions = tuple(store.versions(name))
        active = store.active(name)
        shown = active or (versions[-1] if versions else None)
        evaluation = store.metadata(name, shown)["evaluation"] if shown else {}
        rollout = read_rollout(data_dir, name)
        rolling_out = rollout.candidate if rollout is not None and rollout.live else None
    except LoopaiError as error:
        return TaskOverview(name, problem=str(error.problems[0]))
    return TaskOverview(
        name,
        task,
        examples=count_lines(data_dir.examples_file(name)),
        versions=versions,
        active=active,
        rolling_out=rolling_out,
        evaluation=evaluation,
        alerts=tuple(alert for alert in read_alerts(data_dir) if alert.get("task") == name),
    )


def traffic_today(data_dir: DataDir, name: str, today: date | None = None) -> Traffic:
    """What the log of today says of a task. Raises OSError."""
    day = today or utc_now().date()
    files = list_log_files(data_dir.executions(name), day, day)
    if not files:
        return Traffic()
    if sum(file.path.stat().st_size for file in files) > MAX_COUNTED_BYTES:
        return Traffic(counted=False)
    data = stats(data_dir, name, [day], day)
    return Traffic(
        executions=data["executions"],
        failed=data["executions"] - data["status"]["success"],
        per_hour=tuple(data["throughput"]["per_hour"]),
        p99_ms=data["latency_ms"]["p99"],
    )


def warnings_of(item: TaskOverview, traffic: Traffic | None) -> list[str]:
    """What a person should look at, most pressing first; empty when all is well."""
    found = [item.problem] if item.problem else []
    found += [str(alert["message"]) for alert in item.alerts]
    if traffic and traffic.executions and traffic.failed / traffic.executions > FAILURE_SHARE:
        share = traffic.failed / traffic.executions
        found.append(f"{share:.0%} of today's executions failed")
    if item.task and item.accuracy is not None and item.accuracy < item.task.accuracy_target:
        found.append(
            f"accuracy {item.accuracy:.1%} is below the target of {item.task.accuracy_target:.0%}"
        )
    return found


def count_lines(file: Path) -> int:
    """Lines of a file, whatever is in them; 0 when it is not there."""
    try:
        with file.open("rb") as content:
            return sum(block.count(b"\n") for block in iter(lambda: content.read(BLOCK), b""))
    except FileNotFoundError:
        return 0
