"""Adds what the hub itself executes to what boxes tell of theirs, under the same privacy rules.

It reads the tenant's log through a steward; a line that is read twice is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from runtime.clock import utc_now
from runtime.steward.observer import Batch, LogObserver, StewardContext
from runtime.steward.observers import make_observers
from runtime.steward.state import Connection
from sync.hub import tables
from sync.hub.collector import ExecutionRow, execution_columns
from sync.hub.days import kept_days
from sync.hub.store import Store
from sync.telemetry_observer import ToldRows

#: What stands in place of a box's id; no box can be called so.
AT_THE_HUB = "@hub"
#: Of a runtime's own observers, those that run nothing a tenant names.
OBSERVERS = (
    "runtime.steward.statistics:StatisticsObserver",
    "runtime.retention.observer:RetentionObserver",
)


class CentralFigures:
    """An observer of one tenant's log (`runtime.steward.observer.LogObserver`)."""

    name = "hub"
    tables = ""

    def __init__(self, context: StewardContext, store: Store, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._told = ToldRows(context.data_dir, context.config)

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        owner = {"tenant": self._tenant, "deployment": AT_THE_HUB, "task": task}
        kept = kept_days(self._store.keep_days, utc_now())
        rows = []
        for row in self._told.of(task, records):
            told = msgspec.convert(row, ExecutionRow)
            with suppress(ValueError):  # of a day that is dropped already
                rows.append({**execution_columns(told, kept), **owner})
        self._store.cover({row["day"] for row in rows})
        with self._store.write() as connection:
            self._store.insert_new(connection, tables.executions, rows)

    def tick(self, moment: datetime) -> None:
        """Nothing is due."""

    def rolled_back(self) -> None:
        """What was written stays, and is known when it comes again."""

    def close(self) -> None:
        """There is nothing to end."""


def central_observers(context: StewardContext, store: Store, tenant: str) -> Sequence[LogObserver]:
    """Who reads a tenant's log at the hub."""
    return [*make_observers(context, OBSERVERS), CentralFigures(context, store, tenant)]
