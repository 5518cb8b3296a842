"""What may listen to the log through the steward, and what it is given. No work is done here.

An observer's notes in the database and its place in the log move in one transaction, so what it
counts there is counted exactly once, whatever is killed when. Each observer has a place of its
own: one that raises is reported and asked again with the same lines, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from runtime.clock import Clock, utc_now
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.steward.state import Connection, State

Record = dict[str, Any]


class Batch(list[Record]):
    """Execution lines of one log file, in file order, at most 1000 (`steward.follower`).

    `day` is the file's UTC day; `malformed` lines among them could not be read and are left out.
    A record that was erased has `erased: true` and neither input nor output; use `.get`.
    """

    def __init__(self, records: Iterable[Record] = (), *, day: date, malformed: int = 0) -> None:
        super().__init__(records)
        self.day = day
        self.malformed = malformed


@dataclass(frozen=True)
class StewardContext:
    """What every observer is made with: `SomeObserver(context)`.

    `state` belongs to the steward's thread. A thread of an observer's own opens another with
    `open_state(context.data_dir)`.
    """

    data_dir: DataDir
    config: DeploymentConfig
    state: State
    clock: Clock = utc_now


class LogObserver(Protocol):
    """Somebody who wants to know of every execution. Both methods are called from one thread."""

    #: The key of its place in the log; under another name it would read everything anew.
    name: str
    #: `CREATE TABLE IF NOT EXISTS …` of its own tables, separated by `;`, run before all else.
    tables: str

    # An observer may have `rests_seconds`: so long it is not asked about a task whose lines it
    # has all read, and then gets more at once.

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        """Take lines that are new to it, noting what must not be lost in `transaction` only.

        The transaction commits with the observer's place in the log, or rolls back and the same
        lines come again: what is kept in memory must be able to be thrown away (`rolled_back`).
        Must be quick: no waiting for a network, no files.
        """

    def tick(self, moment: datetime) -> None:
        """About once a second, outside a transaction: decisions, files, what is due.

        Must return within a second or so, for the log waits; what takes longer (a model that
        is asked) belongs to a thread of the observer's own.
        """

    def rolled_back(self) -> None:
        """What it noted in the last `observe` is gone: forget what memory holds of it."""

    def close(self) -> None:
        """The steward ends: stop threads. It may also end without saying so (kill -9)."""
