"""What waits to leave the box: rows become batches, batches leave in order, each once at the hub.

A row is in the database before `put` returns and a batch never changes once it is made, so a
batch that is sent again after a crash is the same bytes under the same key. Bounded: when it is
full the oldest rows are let go, and counted.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from runtime.clock import Clock, format_time, utc_now
from runtime.steward.state import Connection, State

TABLES = """
CREATE TABLE IF NOT EXISTS outbox_rows (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_rows_by_stream ON outbox_rows (stream, id);
CREATE TABLE IF NOT EXISTS outbox_batches (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, stream TEXT NOT NULL,
    rows INTEGER NOT NULL, payload BLOB NOT NULL, digest TEXT NOT NULL, made_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, try_at REAL NOT NULL, error TEXT);
CREATE TABLE IF NOT EXISTS outbox_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
"""
FIRST_DELAY = 1.0
MAX_DELAY = 600.0
# Rows that wait are larger than in a batch; measured from what is in the database.
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class OutboxBatch:
    """One upload: `payload` is gzip over one JSON object, `key` what the hub knows it by."""

    number: int
    key: str
    stream: str
    rows: int
    payload: bytes
    digest: str
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How full it is: rows and batches that wait, bytes, seconds, and what was let go or sent."""

    rows: int
    batches: int
    bytes: int
    oldest_seconds: float
    dropped_rows: int
    sent_rows: int
    sent_batches: int
    last_error: str | None


class Outbox:
    """The queue in one SQLite file. One process at a time sends; any may look."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 100 * MEGABYTE,
        batch_rows: int = 1000,
        clock: Clock = utc_now,
        chance: random.Random | None = None,
    ) -> None:
        self._state = State(path)
        self._state.create(TABLES)
        self._max_bytes = max_bytes
        self._batch_rows = batch_rows
        self._clock = clock
        # Jitter keeps boxes that lost the hub together from coming back together.
        self._chance = chance or random.Random()  # noqa: S311

    def put(self, stream: str, bodies: Sequence[dict[str, Any]]) -> None:
        """Queue rows that are filtered already. They survive kill -9 once this returns."""
        with self._state.transaction() as connection:
            put_rows(connection, stream, bodies, self._now())
            self._let_go(connection)

    def make_batches(self, header: dict[str, Any], *, wait_seconds: float = 60.0) -> int:
        """Turn rows into batches: full ones at once, others once their first row waited so long.

        `header` is what each payload says of this box. Returns how many batches were made.
        """
        made = 0
        now = self._now()
        while True:
            with self._state.transaction() as connection:
                self._let_go(connection)
                due = connection.execute(
                    "SELECT stream FROM outbox_rows GROUP BY stream"
                    " HAVING count(*) >= ? OR min(at) <= ?"
                    " ORDER BY min(id) LIMIT 1",
                    (self._batch_rows, now - wait_seconds),
                ).fetchone()
                if due is None:
                    return made
                self._make_batch(connection, due["stream"], header, now)
            made += 1

    def next_batch(self) -> OutboxBatch | None:
        """The oldest batch when it is due; None when nothing is, or it must wait to be retried."""
        with self._state.snapshot() as connection:
            row = connection.execute(
                "SELECT * FROM outbox_batches ORDER BY number LIMIT 1"
            ).fetchone()
        if row is None or row["try_at"] > self._now():
            return None
        return _batch(row)

    def waiting_batches(self) -> list[OutboxBatch]:
        """All batches, the next one first: what the very next uploads will be."""
        with self._state.snapshot() as connection:
            rows = connection.execute("SELECT * FROM outbox_batches ORDER BY number").fetchall()
        return [_batch(row) for row in rows]

    def preview(self, header: dict[str, Any]) -> list[OutboxBatch]:
        """The batches there are, and those that all waiting rows would make. Changes nothing."""
        batches = self.waiting_batches()
        with self._state.snapshot() as connection:
            streams = [
                row["stream"]
                for row in connection.execute(
                    "SELECT stream FROM outbox_rows GROUP BY stream ORDER BY min(id)"
                )
            ]
            for stream in streams:
                rows = connection.execute(
                    "SELECT body FROM outbox_rows WHERE stream = ? ORDER BY id LIMIT ?",
                    (stream, self._batch_rows),
                ).fetchall()
                payload = _payload(header, stream, "(given when it is made)", rows)
                digest = sha256(payload).hexdigest()
                batches.append(OutboxBatch(0, "", stream, len(rows), payload, digest, 0))
        return batches

    def sent(self, batch: OutboxBatch) -> None:
        """The hub has it: forget it."""
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM outbox_batches WHERE number = ?", (batch.number,))
            _count(connection, "sent_batches", 1)
            _count(connection, "sent_rows", batch.rows)

    def failed(self, batch: OutboxBatch, error: str, retry_after: float | None = None) -> float:
        """Try again later; returns in how many seconds.

        Exponential with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015), or
        what the hub asked for.
        """
        ceiling = min(MAX_DELAY, FIRST_DELAY * 2 ** min(batch.attempts, 30))
        delay = (
            self._chance.uniform(FIRST_DELAY / 2, ceiling) if retry_after is None else retry_after
        )
        with self._state.transaction() as connection:
            connection.execute(
                "UPDATE outbox_batches SET attempts = attempts + 1, try_at = ?, error = ?"
                " WHERE number = ?",
                (self._now() + delay, error[:1000], batch.number),
            )
        return delay

    def refused(self, batch: OutboxBatch, error: str) -> None:
        """The hub will never take it: let it go, and count its rows as such."""
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM outbox_batches WHERE number = ?", (batch.number,))
            _count(connection, "dropped_rows", batch.rows)

    def try_now(self) -> None:
        """Do not wait any longer: the hub can be reached again."""
        with self._state.transaction() as connection:
            connection.execute("UPDATE outbox_batches SET try_at = 0")

    def status(self) -> OutboxStatus:
        """Counts as of now."""
        with self._state.snapshot() as connection:
            rows = connection.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0), min(at) FROM outbox_rows"
            ).fetchone()
            batches = connection.execute(
                "SELECT count(*), coalesce(sum(length(payload)), 0), min(made_at)"
                " FROM outbox_batches"
            ).fetchone()
            counters = dict(
                connection.execute("SELECT name, value FROM outbox_counters").fetchall()
            )
            error = connection.execute(
                "SELECT error FROM outbox_batches WHERE error IS NOT NULL ORDER BY number LIMIT 1"
            ).fetchone()
        oldest = min((at for at in (rows[2], batches[2]) if at is not None), default=None)
        return OutboxStatus(
            rows=rows[0],
            batches=batches[0],
            bytes=rows[1] + batches[1],
            oldest_seconds=max(0.0, self._now() - oldest) if oldest is not None else 0.0,
            dropped_rows=counters.get("dropped_rows", 0),
            sent_rows=counters.get("sent_rows", 0),
            sent_batches=counters.get("sent_batches", 0),
            last_error=error[0] if error else None,
        )

    def close(self) -> None:
        self._state.close()

    def _make_batch(
        self, connection: Connection, stream: str, header: dict[str, Any], now: float
    ) -> None:
        rows = connection.execute(
            "SELECT id, body FROM outbox_rows WHERE stream = ? ORDER BY id LIMIT ?",
            (stream, self._batch_rows),
        ).fetchall()
        key = str(uuid4())
        payload = _payload(header, stream, key, rows)
        connection.execute(
            "INSERT INTO outbox_batches (key, stream, rows, payload, digest, made_at, try_at)"
            " VALUES (?, ?, ?, ?, ?, ?, 0)",
            (key, stream, len(rows), payload, sha256(payload).hexdigest(), now),
        )
        connection.execute(
            "DELETE FROM outbox_rows WHERE stream = ? AND id <= ?", (stream, rows[-1]["id"])
        )

    def _let_go(self, connection: Connection) -> None:
        """Drop the oldest, batches before rows, until what waits is within its bound."""
        size = connection.execute(
            "SELECT (SELECT coalesce(sum(length(body)), 0) FROM outbox_rows)"
            " + (SELECT coalesce(sum(length(payload)), 0) FROM outbox_batches)"
        ).fetchone()[0]
        while size > self._max_bytes:
            batch = connection.execute(
                "SELECT number, rows, length(payload) AS size FROM outbox_batches"
                " ORDER BY number LIMIT 1"
            ).fetchone()
            if batch is not None:
                connection.execute(
                    "DELETE FROM outbox_batches WHERE number = ?", (batch["number"],)
                )
                _count(connection, "dropped_rows", batch["rows"])
                size -= batch["size"]
                continue
            row = connection.execute(
                "SELECT id, length(body) AS size FROM outbox_rows ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                return
            connection.execute("DELETE FROM outbox_rows WHERE id = ?", (row["id"],))
            _count(connection, "dropped_rows", 1)
            size -= row["size"]

    def _now(self) -> float:
        return self._clock().timestamp()


def put_rows(
    connection: Connection, stream: str, bodies: Sequence[dict[str, Any]], now: float
) -> None:
    """Queue rows within a transaction of the caller's on the outbox's database."""
    connection.executemany(
        "INSERT INTO outbox_rows (stream, body, at) VALUES (?, ?, ?)",
        [(stream, json.dumps(body, separators=(",", ":")), now) for body in bodies],
    )


def _payload(header: dict[str, Any], stream: str, key: str, rows: Sequence[Any]) -> bytes:
    start = json.dumps({**header, "stream": stream, "key": key, "made_at": format_time(utc_now())})
    bodies = ",".join(row["body"] for row in rows)
    return gzip.compress(f'{start[:-1]},"rows":[{bodies}]}}'.encode(), 6, mtime=0)


def _batch(row: Any) -> OutboxBatch:
    return OutboxBatch(
        row["number"], row["key"], row["stream"], row["rows"], row["payload"], row["digest"],
        row["attempts"],
    )  # fmt: skip


def _count(connection: Connection, name: str, more: int) -> None:
    connection.execute(
        "INSERT INTO outbox_counters VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = value + ?",
        (name, more, more),
    )
