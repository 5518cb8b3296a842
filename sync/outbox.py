"""What waits to leave the box: rows become batches, batches leave in order, each once at the hub.

A row is in the database before `put` returns and a batch never changes once it is made, so a
batch that is sent again after a crash is the same bytes under the same key. Bounded: when it is
full the oldest rows are let go, and counted.
"""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from runtime.clock import Clock, format_time, utc_now
from runtime.steward.state import Connection, State
from sync.backoff import seconds_to_wait

TABLES = """
CREATE TABLE IF NOT EXISTS outbox_rows (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_rows_by_stream ON outbox_rows (stream, id);
CREATE TABLE IF NOT EXISTS outbox_batches (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, stream TEXT NOT NULL,
    rows INTEGER NOT NULL, payload BLOB NOT NULL, digest TEXT NOT NULL, made_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, try_at REAL NOT NULL, error TEXT);
CREATE TABLE IF NOT EXISTS outbox_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO outbox_counters SELECT 'bytes',
    (SELECT coalesce(sum(length(body)), 0) FROM outbox_rows)
    + (SELECT coalesce(sum(length(payload)), 0) FROM outbox_batches);
CREATE TRIGGER IF NOT EXISTS outbox_row_in AFTER INSERT ON outbox_rows BEGIN
    UPDATE outbox_counters SET value = value + length(new.body) WHERE name = 'bytes'; END;
CREATE TRIGGER IF NOT EXISTS outbox_row_out AFTER DELETE ON outbox_rows BEGIN
    UPDATE outbox_counters SET value = value - length(old.body) WHERE name = 'bytes'; END;
CREATE TRIGGER IF NOT EXISTS outbox_batch_in AFTER INSERT ON outbox_batches BEGIN
    UPDATE outbox_counters SET value = value + length(new.payload) WHERE name = 'bytes'; END;
CREATE TRIGGER IF NOT EXISTS outbox_batch_out AFTER DELETE ON outbox_batches BEGIN
    UPDATE outbox_counters SET value = value - length(old.payload) WHERE name = 'bytes'; END;
CREATE TRIGGER IF NOT EXISTS outbox_row_anew AFTER UPDATE OF body ON outbox_rows BEGIN
    UPDATE outbox_counters SET value = value + length(new.body) - length(old.body)
    WHERE name = 'bytes'; END;
CREATE TRIGGER IF NOT EXISTS outbox_batch_anew AFTER UPDATE OF payload ON outbox_batches BEGIN
    UPDATE outbox_counters SET value = value + length(new.payload) - length(old.payload)
    WHERE name = 'bytes'; END
"""
#: Where these values stand, for those that are encrypted.
BODY, PAYLOAD = "outbox_rows.body", "outbox_batches.payload"
FIRST_DELAY = 1.0
MAX_DELAY = 600.0
MEGABYTE = 1_000_000
DEFAULT_MEGABYTES = 100


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
        max_bytes: int = DEFAULT_MEGABYTES * MEGABYTE,
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
            put_rows(connection, stream, bodies, self._now(), self._max_bytes)

    def make_batches(self, header: dict[str, Any], *, wait_seconds: float = 60.0) -> int:
        """Turn rows into batches: full ones at once, others once their first row waited so long.

        While batches fail, only full ones are made: after weeks offline they are few. `header` is
        what each payload says of this box. Returns how many batches were made.
        """
        made = 0
        now = self._now()
        while True:
            with self._state.transaction() as connection:
                fails = connection.execute("SELECT 1 FROM outbox_batches WHERE attempts LIMIT 1")
                if fails.fetchone() is not None:
                    wait_seconds = math.inf
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
        """The oldest batch that is due: one that fails again and again holds up no other."""
        with self._state.snapshot() as connection:
            row = connection.execute(
                "SELECT * FROM outbox_batches WHERE try_at <= ? ORDER BY number LIMIT 1",
                (self._now(),),
            ).fetchone()
        return None if row is None else self._batch(row)

    def waiting_batches(self, most: int = -1) -> list[OutboxBatch]:
        """All batches or `most`, the next one first: what the very next uploads will be."""
        with self._state.snapshot() as connection:
            rows = connection.execute(
                "SELECT * FROM outbox_batches ORDER BY number LIMIT ?", (most,)
            ).fetchall()
        return [self._batch(row) for row in rows]

    def preview(self, header: dict[str, Any], most: int = -1) -> list[OutboxBatch]:
        """The batches there are (or `most`), and those that waiting rows would make.

        Changes nothing.
        """
        batches = self.waiting_batches(most)
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
                bodies = _bodies(rows, connection)
                payload = _payload(header, stream, "(given when it is made)", bodies)
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
        """Try again later; returns in how many seconds, or as the hub asked."""
        delay = retry_after
        if delay is None:
            delay = seconds_to_wait(
                batch.attempts, first=FIRST_DELAY, most=MAX_DELAY, chance=self._chance
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

    def failing(self) -> str | None:
        """Why the batch that waits longest has not left; None where it was not tried."""
        with self._state.snapshot() as connection:
            row = connection.execute(
                "SELECT error FROM outbox_batches ORDER BY number LIMIT 1"
            ).fetchone()
        return None if row is None else row["error"]

    def let_go(self) -> int:
        """How many rows were dropped, as the bound or the hub wanted it."""
        with self._state.snapshot() as connection:
            return _counted(connection, "dropped_rows")

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
        payload = _payload(header, stream, key, _bodies(rows, connection))
        kept = connection.values.seal_bytes(payload, PAYLOAD)
        connection.execute(
            "INSERT INTO outbox_batches (key, stream, rows, payload, digest, made_at, try_at)"
            " VALUES (?, ?, ?, ?, ?, ?, 0)",
            (key, stream, len(rows), kept, sha256(payload).hexdigest(), now),
        )
        connection.execute(
            "DELETE FROM outbox_rows WHERE stream = ? AND id <= ?", (stream, rows[-1]["id"])
        )

    def _batch(self, row: Any) -> OutboxBatch:
        payload = self._state.connection.values.open_bytes(row["payload"], PAYLOAD)
        return OutboxBatch(
            row["number"], row["key"], row["stream"], row["rows"], payload, row["digest"],
            row["attempts"],
        )  # fmt: skip

    def _now(self) -> float:
        return self._clock().timestamp()


def put_rows(
    connection: Connection,
    stream: str,
    bodies: Sequence[dict[str, Any]],
    now: float,
    max_bytes: int,
) -> None:
    """Queue rows within a transaction of the caller's on the outbox's database."""
    connection.executemany(
        "INSERT INTO outbox_rows (stream, body, at) VALUES (?, ?, ?)",
        [
            (stream, connection.values.seal(json.dumps(body, separators=(",", ":")), BODY), now)
            for body in bodies
        ],
    )
    _let_go(connection, max_bytes)


def _let_go(connection: Connection, max_bytes: int) -> None:
    """Drop the oldest, batches before rows, until what waits is within its bound."""
    while _counted(connection, "bytes") > max_bytes:
        batch = connection.execute(
            "DELETE FROM outbox_batches WHERE number = (SELECT min(number) FROM outbox_batches)"
            " RETURNING rows"
        ).fetchone()
        if batch is not None:
            _count(connection, "dropped_rows", batch["rows"])
            continue
        dropped = connection.execute(
            "DELETE FROM outbox_rows WHERE id = (SELECT min(id) FROM outbox_rows)"
        ).rowcount
        if not dropped:
            return
        _count(connection, "dropped_rows", 1)


def _bodies(rows: Sequence[Any], connection: Connection) -> list[str]:
    return [connection.values.open(row["body"], BODY) for row in rows]


def _payload(header: dict[str, Any], stream: str, key: str, bodies: Sequence[str]) -> bytes:
    start = json.dumps({**header, "stream": stream, "key": key, "made_at": format_time(utc_now())})
    return gzip.compress(f'{start[:-1]},"rows":[{",".join(bodies)}]}}'.encode(), 6, mtime=0)


def _counted(connection: Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM outbox_counters WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None else 0


def _count(connection: Connection, name: str, more: int) -> None:
    connection.execute(
        "INSERT INTO outbox_counters VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = value + ?",
        (name, more, more),
    )
