"""What the engine has decided and tried, in the hub's database: nothing it knows is anywhere else.

A run is written down when it begins and when it ends; one that only began was cut off, and counts
for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, insert, select, update

from runtime.clock import Clock, format_time, utc_now
from runtime.errors import NotFoundError, Problem
from sync.hub import tables
from sync.hub.announcements import ALERT, announce
from sync.hub.improvement.settings import ImprovementSettings
from sync.hub.store import Store

State = Literal["watching", "waiting"]
#: How a run ended. `running` is one that is under way, or was cut off.
RunOutcome = Literal["running", "published", "not better", "no program", "overtaken", "cut off"]
MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """How the improvement of a task stands; `tries` at `version` were in vain."""

    state: State = "watching"
    reason: str = "not looked at yet"
    version: int = 0
    tries: int = 0
    specification_digest: str = ""
    ticket: int | None = None
    paused: bool = False
    wanted: bool = False
    looked_at: str | None = None


class Ledger:
    """The standings, runs and settings of all tenants."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def settings(self, tenant: str) -> tuple[ImprovementSettings, bool]:
        """A tenant's settings, and whether all of it is paused."""
        columns = tables.improvement_settings.c
        with self._store.read() as connection:
            row = connection.execute(
                select(columns.settings, columns.paused).where(columns.tenant == tenant)
            ).first()
        if row is None:
            return ImprovementSettings(), False
        return ImprovementSettings.model_validate(row.settings), row.paused

    def set_settings(self, tenant: str, actor: str, settings: ImprovementSettings) -> None:
        """Keep settings from now on."""
        with self._store.write() as connection:
            self._put_settings(connection, tenant, settings=settings.model_dump(mode="json"))
            self._store.note(
                connection, tenant, actor, "improvement settings", **settings.model_dump()
            )

    def pause(self, tenant: str, task: str | None, actor: str, *, paused: bool) -> None:
        """Stop or go on, one task or all of a tenant. Raises NotFoundError for an unknown task."""
        if task is not None:
            self.check_task(tenant, task)
        with self._store.write() as connection:
            if task is None:
                self._put_settings(connection, tenant, paused=paused)
            else:
                self.put(connection, tenant, task, paused=paused)
            action = "improvement paused" if paused else "improvement resumed"
            self._store.note(connection, tenant, actor, action, task=task)

    def want(self, tenant: str, task: str, actor: str) -> None:
        """Have a try made soon, whatever the figures say. Raises NotFoundError."""
        self.check_task(tenant, task)
        with self._store.write() as connection:
            self.put(connection, tenant, task, wanted=True)
            self._store.note(connection, tenant, actor, "improvement asked for", task=task)

    def standing(self, tenant: str, task: str) -> Standing:
        """How a task stands."""
        columns = tables.improvements.c
        with self._store.read() as connection:
            row = connection.execute(
                select(tables.improvements).where(columns.tenant == tenant, columns.task == task)
            ).first()
        if row is None:
            return Standing()
        kept = {name: getattr(row, name) for name in Standing.__dataclass_fields__}
        return Standing(**kept)

    def note(self, tenant: str, task: str, reason: str) -> None:
        """What came of looking at a task."""
        with self._store.write() as connection:
            self.put(
                connection, tenant, task, reason=reason, wanted=False,
                looked_at=format_time(self._clock()),
            )  # fmt: skip

    def put(self, connection: Connection, tenant: str, task: str, **changes: Any) -> None:
        """Change a task's standing within a transaction of the caller's."""
        columns = tables.improvements.c
        done = connection.execute(
            update(tables.improvements)
            .where(columns.tenant == tenant, columns.task == task)
            .values(**changes)
            .returning(columns.task)
        ).first()
        if done is None:
            fresh = {name: getattr(Standing(), name) for name in Standing.__dataclass_fields__}
            connection.execute(
                insert(tables.improvements).values(
                    **{**fresh, **changes, "tenant": tenant, "task": task}
                )
            )

    def tried(self, tenant: str, task: str) -> set[str]:
        """The failing inputs that earlier tries have used, by their keys."""
        columns = tables.improvement_tried.c
        with self._store.read() as connection:
            return set(
                connection.execute(
                    select(columns.key).where(columns.tenant == tenant, columns.task == task)
                ).scalars()
            )

    def add_tried(
        self, connection: Connection, tenant: str, task: str, keys: Iterable[str]
    ) -> None:
        rows = [{"tenant": tenant, "task": task, "key": key} for key in keys]
        self._store.insert_new(connection, tables.improvement_tried, rows)

    def begin(
        self,
        tenant: str,
        task: str,
        version: int,
        attempt: int,
        hypothesis: list[str],
        alert: dict[str, Any],
    ) -> int:
        """Write down that a run begins; returns its number. The first of a version alerts."""
        columns = tables.improvement_runs.c
        with self._store.write() as connection:
            known = connection.execute(
                select(columns.number)
                .where(columns.tenant == tenant, columns.task == task, columns.version == version)
                .limit(1)
            ).first()
            if known is None:
                announce(connection, tenant, ALERT, alert)
            number = connection.execute(
                insert(tables.improvement_runs)
                .values(
                    tenant=tenant, task=task, version=version, attempt=attempt, outcome="running",
                    hypothesis=hypothesis, report={}, started_at=format_time(self._clock()),
                )
                .returning(columns.number)
            ).scalar_one()  # fmt: skip
        return int(number)

    def end(
        self,
        connection: Connection,
        number: int,
        outcome: RunOutcome,
        report: dict[str, Any],
        made_version: int | None = None,
    ) -> None:
        """Write down how a run ended, with all that follows from it in the same transaction."""
        connection.execute(
            update(tables.improvement_runs)
            .where(tables.improvement_runs.c.number == number)
            .values(
                outcome=outcome, report=report, made_version=made_version,
                ended_at=format_time(self._clock()),
            )
        )  # fmt: skip

    def end_cut_off(self) -> int:
        """Mark runs that never ended; only whoever alone may run calls it."""
        columns = tables.improvement_runs.c
        with self._store.write() as connection:
            rows = connection.execute(
                update(tables.improvement_runs)
                .where(columns.outcome == "running")
                .values(outcome="cut off", ended_at=format_time(self._clock()))
                .returning(columns.number)
            ).all()
        return len(rows)

    def runs(self, tenant: str, task: str) -> list[dict[str, Any]]:
        """The last runs of a task, newest first."""
        columns = tables.improvement_runs.c
        return self._listed(
            select(tables.improvement_runs)
            .where(columns.tenant == tenant, columns.task == task)
            .order_by(columns.number.desc())
            .limit(MOST_RUNS)
        )

    def tasks(self) -> list[tuple[str, str]]:
        """Every tenant with every task it has published."""
        columns = tables.packages.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(columns.tenant, columns.task)
                .distinct()
                .order_by(columns.tenant, columns.task)
            )
            return [(row.tenant, row.task) for row in rows]

    def wanted(self) -> list[tuple[str, str]]:
        """The tasks for which a try was asked for."""
        columns = tables.improvements.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(columns.tenant, columns.task).where(columns.wanted.is_(True))
            )
            return [(row.tenant, row.task) for row in rows]

    def _put_settings(self, connection: Connection, tenant: str, **changes: Any) -> None:
        columns = tables.improvement_settings.c
        done = connection.execute(
            update(tables.improvement_settings)
            .where(columns.tenant == tenant)
            .values(**changes)
            .returning(columns.tenant)
        ).first()
        if done is None:
            fresh = {"settings": ImprovementSettings().model_dump(mode="json"), "paused": False}
            connection.execute(
                insert(tables.improvement_settings).values(tenant=tenant, **{**fresh, **changes})
            )

    def check_task(self, tenant: str, task: str) -> None:
        """Raises NotFoundError for a task of which the tenant has published nothing."""
        columns = tables.packages.c
        with self._store.read() as connection:
            known = connection.execute(
                select(columns.version)
                .where(columns.tenant == tenant, columns.task == task)
                .limit(1)
            ).first()
        if known is None:
            raise NotFoundError(Problem(f"no version of {task} is published here."))

    def _listed(self, statement: Select[Any]) -> list[dict[str, Any]]:
        with self._store.read() as connection:
            found = [dict(row._mapping) for row in connection.execute(statement)]
        for row in found:
            del row["tenant"], row["number"]
        return found
