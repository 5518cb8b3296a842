"""The queue of sampled executions that wait for an oracle: filled by the sampler, emptied by
validation. It asks no oracle and writes no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from runtime.clock import format_time
from runtime.encryption.values import Values
from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS samples (
    execution_id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    program_version INTEGER,
    input TEXT NOT NULL,
    output TEXT NOT NULL,
    error TEXT NOT NULL,
    confidence REAL,
    status TEXT NOT NULL,
    latency_ms REAL NOT NULL,
    executed_at TEXT NOT NULL,
    strategy TEXT NOT NULL,
    inclusion_probability REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'skipped')),
    settled_at TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS samples_by_state ON samples (task, state, executed_at)
"""

SampleState = Literal["waiting", "done", "skipped"]
COLUMNS = (
    "execution_id, task, program_version, input, output, error, confidence, status, latency_ms, "
    "executed_at, strategy, inclusion_probability, state"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One execution that was chosen. `input`, `output` and `error` are JSON values.

    `inclusion_probability`, in (0, 1], is how likely it was to be chosen: an estimate weights
    it with the inverse. `executed_at` is RFC 3339 in UTC, as the log has it.
    """

    execution_id: str
    task: str
    program_version: int | None
    input: Any
    output: Any
    error: Any
    confidence: float | None
    status: str
    latency_ms: float
    executed_at: str
    strategy: str
    inclusion_probability: float
    state: SampleState = "waiting"


def add_samples(connection: Connection, samples: Iterable[Sample]) -> None:
    """Queue samples; one whose execution is known already is left as it is."""
    seal = connection.values.seal
    connection.executemany(
        f"INSERT OR IGNORE INTO samples ({COLUMNS}) VALUES ({', '.join('?' * 13)})",  # noqa: S608
        (
            (
                sample.execution_id,
                sample.task,
                sample.program_version,
                seal(_text(sample.input), "samples.input"),
                seal(_text(sample.output), "samples.output"),
                seal(_text(sample.error), "samples.error"),
                sample.confidence,
                sample.status,
                sample.latency_ms,
                sample.executed_at,
                sample.strategy,
                sample.inclusion_probability,
                sample.state,
            )
            for sample in samples
        ),
    )


def take_waiting(
    connection: Connection, task: str, limit: int, *, newest_first: bool = False
) -> list[Sample]:
    """The next samples that wait, oldest first unless told. They stay until they are settled,
    so two askers may see the same one: who settles it first counts."""
    order = "DESC" if newest_first else "ASC"
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM samples WHERE task = ? AND state = 'waiting' "  # noqa: S608
        f"ORDER BY executed_at {order}, execution_id LIMIT ?",
        (task, limit),
    )
    return [_sample(row, connection.values) for row in rows]


def find_sample(connection: Connection, execution_id: str) -> Sample | None:
    """One sample in whatever state; None when that execution is not in the queue."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM samples WHERE execution_id = ?",  # noqa: S608
        (execution_id,),
    ).fetchone()
    return None if row is None else _sample(row, connection.values)


def mark_done(connection: Connection, execution_id: str, moment: datetime) -> bool:
    """Settle a sample that an oracle has answered; False when it was settled before."""
    return _settle(connection, execution_id, "done", moment)


def mark_skipped(connection: Connection, execution_id: str, moment: datetime) -> bool:
    """Settle a sample that gets no answer; False when it was settled before."""
    return _settle(connection, execution_id, "skipped", moment)


def skip_oldest(connection: Connection, task: str, keep: int, moment: datetime) -> int:
    """Skip what waits beyond the newest `keep`, so that the queue has a bound; returns how many."""
    return connection.execute(
        "UPDATE samples SET state = 'skipped', settled_at = ? WHERE execution_id IN ("
        "SELECT execution_id FROM samples WHERE task = ? AND state = 'waiting' "
        "ORDER BY executed_at DESC, execution_id DESC LIMIT -1 OFFSET ?)",
        (format_time(moment), task, keep),
    ).rowcount


def count_by_state(connection: Connection, task: str) -> dict[str, int]:
    """How many samples of a task wait, are done and were skipped."""
    counts = {"waiting": 0, "done": 0, "skipped": 0}
    rows = connection.execute(
        "SELECT state, count(*) FROM samples WHERE task = ? GROUP BY state", (task,)
    )
    return counts | {row[0]: row[1] for row in rows}


def delete_samples(connection: Connection, execution_ids: Sequence[str]) -> int:
    """Remove samples for good, in whatever state; returns how many there were."""
    return connection.executemany(
        "DELETE FROM samples WHERE execution_id = ?", [(name,) for name in execution_ids]
    ).rowcount


def delete_settled(connection: Connection, before: datetime) -> int:
    """Remove what was settled before a moment; returns how many."""
    return connection.execute(
        "DELETE FROM samples WHERE state != 'waiting' AND settled_at < ?", (format_time(before),)
    ).rowcount


def _settle(
    connection: Connection, execution_id: str, state: SampleState, moment: datetime
) -> bool:
    changed = connection.execute(
        "UPDATE samples SET state = ?, settled_at = ? WHERE execution_id = ? AND state = 'waiting'",
        (state, format_time(moment), execution_id),
    ).rowcount
    return changed == 1


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def decoded(row: Any, values: Values) -> dict[str, Any]:
    """A row of the table with its JSON columns as values."""
    fields = dict(row)
    for name in ("input", "output", "error"):
        fields[name] = msgspec.json.decode(values.open(fields[name], f"samples.{name}"))
    return fields


def _sample(row: Any, values: Values) -> Sample:
    return Sample(**decoded(row, values))
