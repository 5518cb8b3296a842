"""Messages on their way to webhooks, in the database until they have arrived or were given up.

Each knows when it is to be tried again. Sends nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS alert_deliveries (
    id TEXT PRIMARY KEY,
    webhook INTEGER NOT NULL,
    body TEXT NOT NULL,
    created REAL NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given up')),
    problem TEXT
)
"""

FIRST_DELAY = 1.0
MAX_DELAY = 900.0
GIVE_UP_AFTER = 24 * 3600.0
MAX_WAITING = 1000
KEEP_SETTLED = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one webhook (its number in the configuration)."""

    id: str
    webhook: int
    body: str
    created: float
    attempts: int


def enqueue(connection: Connection, webhook: int, body: str, now: float) -> None:
    """Add a message, due at once; the oldest go when too many wait."""
    connection.execute(
        "INSERT INTO alert_deliveries (id, webhook, body, created, due) VALUES (?, ?, ?, ?, ?)",
        (str(uuid4()), webhook, body, now, now),
    )
    connection.execute(
        "UPDATE alert_deliveries SET state = 'given up', problem = 'too many were waiting' "
        "WHERE id IN (SELECT id FROM alert_deliveries WHERE state = 'waiting' "
        "ORDER BY created DESC LIMIT -1 OFFSET ?)",
        (MAX_WAITING,),
    )


def take_due(connection: Connection, now: float, limit: int = 10) -> list[Delivery]:
    """Messages to try now, oldest first. One that waits long after a clock was set back is due."""
    rows = connection.execute(
        "SELECT id, webhook, body, created, attempts FROM alert_deliveries "
        "WHERE state = 'waiting' AND (due <= ? OR due > ?) ORDER BY created LIMIT ?",
        (now, now + 2 * MAX_DELAY, limit),
    )
    return [Delivery(*row) for row in rows]


def settle(connection: Connection, delivery: Delivery, problem: str | None, now: float) -> bool:
    """Note that a message arrived (no problem) or is to be tried again; False: given up."""
    state, due = "sent", now
    if problem is not None:
        late = now - delivery.created > GIVE_UP_AFTER
        state = "given up" if late else "waiting"
        due = now + min(MAX_DELAY, FIRST_DELAY * 2 ** min(delivery.attempts, 20))
    connection.execute(
        "UPDATE alert_deliveries SET state = ?, due = ?, problem = ?, attempts = attempts + 1 "
        "WHERE id = ?",
        (state, due, problem, delivery.id),
    )
    connection.execute(
        "DELETE FROM alert_deliveries WHERE state != 'waiting' AND created < ?",
        (now - KEEP_SETTLED,),
    )
    return state != "given up"


def count_by_state(connection: Connection) -> dict[str, int]:
    """How many wait, were sent, and were given up."""
    counts = {"waiting": 0, "sent": 0, "given up": 0}
    rows = connection.execute("SELECT state, count(*) FROM alert_deliveries GROUP BY state")
    return counts | {row[0]: row[1] for row in rows}
