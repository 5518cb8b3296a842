"""All that a report tells of a task, gathered from its files. Reads only, draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from runtime.alerts.standings import read_alerts
from runtime.artifacts import ArtifactStore
from runtime.clock import Clock, utc_now
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.rollup import days_with_executions, stats
from runtime.encryption.values import read_document
from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from runtime.rollout.document import past_rollouts, read_rollout
from runtime.rollout.rollout import Rollout
from runtime.tasks import load_task
from runtime.validation.model_oracle import price
from runtime.validation.standing import read_standing
from workbench.report.series import Series, read_series

# A rule of thumb for English text and JSON, said in the report where it is used.
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Savings:
    """Money in `currency`: what a model would have cost, and what oracles did cost.

    `by_token`: the price of a call was estimated from the lengths of inputs and outputs.
    """

    currency: str
    a_call: float
    model: float
    oracles: float
    by_token: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """One task over the last `days`. `figures` is what `loopai stats --json` prints."""

    task: TaskSpecification
    days: int
    made_at: datetime
    active: int | None
    figures: dict[str, Any]
    series: Series
    versions: list[dict[str, Any]]
    drift: dict[str, Any] | None
    rollouts: list[Rollout]
    savings: Savings | None
    history: list[dict[str, Any]]
    #: What needs somebody now, the most severe first: level and sentence.
    troubles: list[tuple[str, str]]


def gather(data_dir: DataDir, name: str, days: int, clock: Clock = utc_now) -> Facts:
    """Everything of the last days, today included.

    Raises NotFoundError where there is no such task; other faulty files are left out.
    """
    task = load_task(data_dir, name, with_examples=False)
    config = load_deployment(data_dir.deployment_file)
    moment = clock()
    first = moment.date() - timedelta(days=days - 1)
    wanted = [day for day in days_with_executions(data_dir, name) if day >= first]
    figures = stats(data_dir, name, wanted, moment.date())
    series = read_series(data_dir, name, first, task.output_schema)
    store = ArtifactStore(data_dir)
    return Facts(
        task=task,
        days=days,
        made_at=moment,
        active=store.active(name),
        figures=figures,
        series=series,
        versions=_versions(store, name, figures),
        drift=_drift(data_dir, name, figures, first),
        rollouts=_rollouts(data_dir, name),
        savings=_savings(config, figures["executions"], series),
        history=store.history(name),
        troubles=_troubles(data_dir, name),
    )


def _troubles(data_dir: DataDir, name: str) -> list[tuple[str, str]]:
    """Alerts of the task and of the box, and oracles that do not answer."""
    alerts = [
        (str(alert["level"]), str(alert["message"]))
        for alert in read_alerts(data_dir)
        if not alert.get("task") or alert["task"] == name
    ]
    problems = read_standing(data_dir).get(name, {}).get("problems", [])
    return alerts + [("validation", str(problem)) for problem in problems]


def _versions(store: ArtifactStore, name: str, figures: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for version in reversed(store.versions(name)):
        served = figures["versions"].get(str(version), {})
        try:
            metadata = store.metadata(name, version)
            strategy = str(metadata["artifact"]["synthesis_strategy"])
            accuracy = metadata["evaluation"].get("accuracy")
            status = store.status(name, version).value
        except (LoopaiError, KeyError):
            strategy, accuracy, status = "damaged", None, "damaged"
        rows.append(
            {
                "version": version,
                "status": status,
                "strategy": strategy,
                "accuracy": accuracy,
                "agreement": served.get("agreement"),
                "executions": served.get("executions", 0),
                "p99_ms": (served.get("latency_ms") or {}).get("p99"),
            }
        )
    return rows


def _drift(
    data_dir: DataDir, name: str, figures: dict[str, Any], first: date
) -> dict[str, Any] | None:
    """The newest measure of enough executions: the steward's, else of a day; else the newest."""
    found = [{**day["drift"], "day": day["day"]} for day in figures["by_day"] if day.get("drift")]
    try:
        newest = msgspec.json.decode(read_document(data_dir.analytics(name) / "drift.json"))
        if isinstance(newest, dict) and str(newest.get("at", ""))[:10] >= first.isoformat():
            found.append(newest)
    except (OSError, ValueError):
        pass  # the steward has written none yet
    enough = [measure for measure in found if measure.get("enough")]
    best = enough or found
    return best[-1] if best else None


def _rollouts(data_dir: DataDir, name: str) -> list[Rollout]:
    """Newest first."""
    try:
        last = read_rollout(data_dir, name)
        return [*([last] if last else []), *reversed(past_rollouts(data_dir, name))]
    except LoopaiError:
        return []  # damaged: `loopai rollout show` says how


def _savings(config: DeploymentConfig, executions: int, series: Series) -> Savings | None:
    if not executions:
        return None
    a_call = price(
        config.prices,
        series.characters_in / executions / CHARACTERS_A_TOKEN,
        series.characters_out / executions / CHARACTERS_A_TOKEN,
    )
    if a_call is None:
        return None
    return Savings(
        currency=config.prices.currency,
        a_call=a_call,
        model=a_call * executions,
        oracles=series.oracle_cost,
        by_token=config.prices.per_call is None,
    )
