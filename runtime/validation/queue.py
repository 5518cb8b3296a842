"""What validation keeps in the steward's database: people's labels, what was tried, what was spent.

The samples themselves are the sampler's (`steward.samples`). It asks nobody and writes no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from runtime.clock import format_time
from runtime.steward import samples
from runtime.steward.samples import Sample
from runtime.steward.state import Connection

TABLES = (
    samples.TABLES
    + """;
CREATE TABLE IF NOT EXISTS labels (
    execution_id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('answer', 'skip')),
    output TEXT NOT NULL,
    labelled_at TEXT NOT NULL,
    final_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS validation_tries (
    execution_id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('open', 'nobody-knows', 'writing')),
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oracle_days (
    day TEXT NOT NULL,
    task TEXT NOT NULL,
    oracle TEXT NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    cost REAL NOT NULL DEFAULT 0,
    latency_ms REAL NOT NULL DEFAULT 0,
    metered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, task, oracle)
) WITHOUT ROWID
"""
)

# An interactive label may be undone until it is final; a session that crashes leaves it so long.
TIME_TO_UNDO = timedelta(minutes=10)

TryState = Literal["open", "nobody-knows", "writing"]


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of one sample: an output, or to skip it."""

    sample: Sample
    verdict: Literal["answer", "skip"]
    output: Any


def tasks_waiting(connection: Connection) -> list[str]:
    """The tasks that have samples waiting."""
    rows = connection.execute("SELECT DISTINCT task FROM samples WHERE state = 'waiting'")
    return sorted(row[0] for row in rows)


def put_label(
    connection: Connection,
    execution_id: str,
    verdict: Literal["answer", "skip"],
    output: Any,
    moment: datetime,
    *,
    final: bool,
) -> bool:
    """Keep a person's answer, in place of an earlier one; False where nothing waits for it."""
    sample = samples.find_sample(connection, execution_id)
    if sample is None or sample.state != "waiting":
        return False
    final_at = moment if final else moment + TIME_TO_UNDO
    text = connection.values.seal(msgspec.json.encode(output).decode(), "labels.output")
    connection.execute(
        "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?)",
        (execution_id, sample.task, verdict, text, format_time(moment), format_time(final_at)),
    )
    return True


def take_label_back(connection: Connection, execution_id: str) -> bool:
    """Forget a label; False when it was settled already."""
    statement = "DELETE FROM labels WHERE execution_id = ?"
    return connection.execute(statement, (execution_id,)).rowcount == 1


def make_labels_final(
    connection: Connection, execution_ids: Sequence[str], moment: datetime
) -> None:
    """These may be settled from now on."""
    connection.executemany(
        "UPDATE labels SET final_at = ? WHERE execution_id = ?",
        [(format_time(moment), name) for name in execution_ids],
    )


def final_labels(connection: Connection, task: str, moment: datetime, limit: int) -> list[Label]:
    """Labels that nobody can take back any more, of samples that still wait."""
    rows = connection.execute(
        "SELECT l.execution_id, l.verdict, l.output FROM labels l JOIN samples s "
        "USING (execution_id) WHERE l.task = ? AND l.final_at <= ? AND s.state = 'waiting' LIMIT ?",
        (task, format_time(moment), limit),
    ).fetchall()
    found = ((samples.find_sample(connection, row[0]), row[1], row[2]) for row in rows)
    return [
        Label(sample, verdict, msgspec.json.decode(connection.values.open(output, "labels.output")))
        for sample, verdict, output in found
        if sample is not None
    ]


def unanswered(
    connection: Connection, task: str, limit: int, *, labelled: bool = False
) -> list[Sample]:
    """Samples for a person, newest first: those nobody has labelled yet."""
    rows = connection.execute(
        "SELECT execution_id FROM samples WHERE task = ? AND state = 'waiting' AND "  # noqa: S608
        f"({int(labelled)} OR execution_id NOT IN (SELECT execution_id FROM labels)) "
        "ORDER BY executed_at DESC, execution_id DESC LIMIT ?",
        (task, limit),
    ).fetchall()
    return _found(connection, [row[0] for row in rows])


def to_ask(connection: Connection, task: str, limit: int) -> list[tuple[Sample, int]]:
    """The oldest samples an oracle has still to answer, each with how often one failed on it."""
    rows = connection.execute(
        "SELECT s.execution_id, coalesce(t.tries, 0) FROM samples s "
        "LEFT JOIN validation_tries t USING (execution_id) "
        "LEFT JOIN labels l USING (execution_id) "
        "WHERE s.task = ? AND s.state = 'waiting' AND l.execution_id IS NULL "
        "AND coalesce(t.state, 'open') != 'nobody-knows' "
        "ORDER BY coalesce(t.tries, 0), s.executed_at, s.execution_id LIMIT ?",
        (task, limit),
    ).fetchall()
    found = ((samples.find_sample(connection, row[0]), row[1]) for row in rows)
    return [(sample, tries) for sample, tries in found if sample is not None]


def note_tries(
    connection: Connection, sample: Sample, tries: int, state: TryState, reason: str = ""
) -> None:
    """Keep how far asking about a sample has come."""
    connection.execute(
        "INSERT OR REPLACE INTO validation_tries VALUES (?, ?, ?, ?, ?)",
        (sample.execution_id, sample.task, tries, state, reason[:500]),
    )


def ask_again(connection: Connection, task: str) -> int:
    """Oracles have news: ask them about everything nobody knew; returns how many that is."""
    return connection.execute(
        "DELETE FROM validation_tries WHERE task = ? AND state = 'nobody-knows'", (task,)
    ).rowcount


def forget_settled(connection: Connection) -> None:
    """Drop labels and tries whose sample does not wait any more."""
    for table in ("labels", "validation_tries"):
        connection.execute(
            f"DELETE FROM {table} WHERE execution_id NOT IN "  # noqa: S608
            "(SELECT execution_id FROM samples WHERE state = 'waiting')"
        )


def may_spend(
    connection: Connection, moment: datetime, calls_per_day: int, cost_per_day: float
) -> bool:
    """Whether today's budget, over all tasks, has room for another metered call."""
    row = connection.execute(
        "SELECT coalesce(sum(calls), 0), coalesce(sum(cost), 0) FROM oracle_days "
        "WHERE day = ? AND metered",
        (moment.date().isoformat(),),
    ).fetchone()
    return bool(row[0] < calls_per_day and row[1] < cost_per_day)


def note_call(
    connection: Connection, moment: datetime, task: str, oracle: str, *, metered: bool
) -> None:
    """Count a call before it is made: one that a crash ends was still made."""
    connection.execute(
        "INSERT INTO oracle_days (day, task, oracle, calls, metered) VALUES (?, ?, ?, 1, ?) "
        "ON CONFLICT DO UPDATE SET calls = calls + 1",
        (moment.date().isoformat(), task, oracle, metered),
    )


def note_outcome(
    connection: Connection,
    moment: datetime,
    task: str,
    oracle: str,
    *,
    cost: float,
    latency_ms: float,
    failed: bool,
) -> None:
    """What a call, counted before, came to. `moment` is that of `note_call`."""
    connection.execute(
        "UPDATE oracle_days SET cost = cost + ?, latency_ms = latency_ms + ?, "
        "failures = failures + ? WHERE day = ? AND task = ? AND oracle = ?",
        (cost, latency_ms, int(failed), moment.date().isoformat(), task, oracle),
    )


def spending(
    connection: Connection, task: str, days: int, moment: datetime
) -> list[dict[str, Any]]:
    """Calls, failures, cost and total latency of each oracle by day, newest day first."""
    first = (moment.date() - timedelta(days=days - 1)).isoformat()
    rows = connection.execute(
        "SELECT day, oracle, calls, failures, cost, latency_ms FROM oracle_days "
        "WHERE task = ? AND day >= ? ORDER BY day DESC, oracle",
        (task, first),
    )
    return [dict(row) for row in rows]


def oracles_of_day(
    connection: Connection, moment: datetime
) -> dict[str, dict[str, dict[str, Any]]]:
    """Today's calls, failures, cost and total latency, by task and oracle."""
    rows = connection.execute(
        "SELECT task, oracle, calls, failures, cost, latency_ms FROM oracle_days WHERE day = ?",
        (moment.date().isoformat(),),
    )
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for task, oracle, calls, failures, cost, latency_ms in rows:
        figures = {"calls": calls, "failures": failures, "cost": cost, "latency_ms": latency_ms}
        found.setdefault(task, {})[oracle] = figures
    return found


def _found(connection: Connection, execution_ids: Sequence[str]) -> list[Sample]:
    found = (samples.find_sample(connection, name) for name in execution_ids)
    return [sample for sample in found if sample is not None]
