"""Where every alert stands, in the database; and those that are raised, in `state/alerts.json`,
for the HTTP workers and the commands. Measures nothing and sends nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from runtime.alerts.hysteresis import NAMES, WELL, Standing, next_standing
from runtime.alerts.measures import Measure
from runtime.alerts.settings import AlertsConfig
from runtime.clock import format_time
from runtime.data_dir import DataDir, write_atomic
from runtime.models import FORMAT_VERSION
from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    rule TEXT NOT NULL,
    task TEXT NOT NULL,
    standing TEXT NOT NULL,
    since TEXT,
    alert TEXT,
    PRIMARY KEY (rule, task)
) WITHOUT ROWID
"""

Alert = dict[str, Any]


def alerts_file(data_dir: DataDir) -> Path:
    """Where the alerts that are raised now are listed."""
    return data_dir.state / "alerts.json"


def read_alerts(data_dir: DataDir) -> list[Alert]:
    """The alerts that are raised, the most severe first; none where nothing says so."""
    try:
        data = msgspec.json.decode(alerts_file(data_dir).read_bytes())
        return list(data["alerts"]) if data["v"] == FORMAT_VERSION else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def write_alerts(data_dir: DataDir, alerts: list[Alert]) -> None:
    """Replace the list. Raises OSError."""
    data = {"v": FORMAT_VERSION, "alerts": alerts}
    write_atomic(alerts_file(data_dir), msgspec.json.encode(data), durable=False)


def take(
    connection: Connection, measures: list[Measure], config: AlertsConfig, moment: datetime
) -> list[Alert]:
    """Note new measures; returns what changed, as messages. What is not measured any more wants
    to be cleared."""
    known = {(row["rule"], row["task"]): row for row in connection.execute("SELECT * FROM alerts")}
    by_key = {(measure.rule, measure.task): measure for measure in measures}
    changes = []
    for key in sorted(known.keys() | by_key.keys()):
        row, measure = known.get(key), by_key.get(key)
        before = Standing() if row is None else Standing(**msgspec.json.decode(row["standing"]))
        after = next_standing(
            before,
            measure.value if measure else None,
            measure.levels if measure else config.failure_rate,
            moment.timestamp(),
            config.hold_sec,
            config.clear_ratio,
        )
        alert = msgspec.json.decode(row["alert"]) if row is not None and row["alert"] else None
        since: str = (row["since"] if row is not None else None) or format_time(moment)
        if after.level != before.level:
            since = since if before.level and after.level else format_time(moment)
            alert = _alert(key, measure, after.level, since, alert)
            changes.append({**alert, "at": format_time(moment), "before": NAMES[before.level]})
        elif after.level and measure is not None:
            alert = _alert(key, measure, after.level, since, alert)
        _write(connection, key, after, since, alert)
    return changes


def raised(connection: Connection) -> list[Alert]:
    """The alerts that are raised, the most severe first."""
    rows = connection.execute("SELECT alert FROM alerts WHERE alert IS NOT NULL")
    alerts = [msgspec.json.decode(row["alert"]) for row in rows]
    return sorted(alerts, key=lambda alert: (-NAMES.index(alert["level"]), alert["since"]))


def _write(
    connection: Connection,
    key: tuple[str, str],
    standing: Standing,
    since: str,
    alert: Alert | None,
) -> None:
    if standing == Standing():
        connection.execute("DELETE FROM alerts WHERE rule = ? AND task = ?", key)
        return
    connection.execute(
        "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?)",
        (
            *key,
            msgspec.json.encode(asdict(standing)).decode(),
            since,
            msgspec.json.encode(alert).decode() if alert and standing.level != WELL else None,
        ),
    )


def _alert(
    key: tuple[str, str], measure: Measure | None, level: int, since: str, before: Alert | None
) -> Alert:
    """An alert as it is shown and sent. Where nothing is measured now, the last figures stay."""
    if measure is None:
        assert before is not None, "only what was measured is ever raised"
        return {**before, "level": NAMES[level], "since": since}
    return {
        "alert": key[0],
        "task": key[1] or None,
        "level": NAMES[level],
        "since": since,
        "value": round(measure.value, 6) if measure.value is not None else None,
        "warning": measure.levels.warning,
        "critical": measure.levels.critical,
        "message": f"{measure.text[0].upper()}{measure.text[1:]}.",
    }
