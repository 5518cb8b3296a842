"""Which boxes there are, what each runs, and when each was last heard of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select, update

from runtime.clock import Clock, format_time, utc_now
from runtime.errors import NotFoundError, Problem
from runtime.models import Mode, Model, PrivacyMode, Slug
from sync.hub import tables
from sync.hub.hub_keys import Caller
from sync.hub.store import Store

DEPLOYMENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
DeploymentId = Annotated[str, Field(pattern=DEPLOYMENT_ID)]
SILENT_AFTER = timedelta(minutes=3)


class Registration(Model):
    """What a box says of itself; `tasks` maps a task to the version it serves (null: none)."""

    deployment_id: DeploymentId
    mode: Mode = Mode.EDGE
    privacy_mode: PrivacyMode = PrivacyMode.BALANCED
    tasks: dict[Slug, int | None] = Field(default_factory=dict, max_length=1000)


class Heartbeat(Model):
    """A sign of life: which version of which task runs, and any figures."""

    tasks: dict[Slug, int | None] = Field(default_factory=dict, max_length=1000)
    status: dict[str, Any] = Field(default_factory=dict, max_length=100)


class Deployments:
    """The boxes of all tenants."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def register(self, caller: Caller, box: Registration) -> None:
        """Make a box known, or take up what has changed of it."""
        now = format_time(self._clock())
        row = {
            "mode": box.mode.value,
            "privacy_mode": box.privacy_mode.value,
            "tasks": box.tasks,
            "seen_at": now,
        }
        with self._store.write() as connection:
            place = {"tenant": caller.tenant, "id": box.deployment_id}
            made = {**place, "status": {}, "registered_at": now, **row}
            if not self._store.insert_new(connection, tables.deployments, [made]):
                connection.execute(self._update(caller.tenant, box.deployment_id, row))
            else:
                self._store.note(
                    connection, caller.tenant, caller.key_id, "registered", id=box.deployment_id
                )

    def heartbeat(self, tenant: str, identity: str, beat: Heartbeat) -> None:
        """Note a sign of life. Raises NotFoundError for a box that never registered."""
        row = {
            "tasks": beat.tasks,
            "status": beat.status,
            "seen_at": format_time(self._clock()),
        }
        with self._store.write() as connection:
            if connection.execute(self._update(tenant, identity, row)).first() is None:
                raise NotFoundError(
                    Problem(f"there is no deployment {identity!r}.", remedy="Register it first.")
                )

    def listed(self, tenant: str) -> list[dict[str, Any]]:
        """A tenant's boxes by name, each with whether it is heard of."""
        with self._store.read() as connection:
            rows = connection.execute(
                select(tables.deployments)
                .where(tables.deployments.c.tenant == tenant)
                .order_by(tables.deployments.c.id)
            )
            found = [dict(row._mapping) for row in rows]
        limit = self._clock() - SILENT_AFTER
        for row in found:
            del row["tenant"]
            row["alive"] = datetime.fromisoformat(row["seen_at"]) >= limit
        return found

    def get(self, tenant: str, identity: str) -> dict[str, Any]:
        """One box. Raises NotFoundError."""
        found = next((one for one in self.listed(tenant) if one["id"] == identity), None)
        if found is None:
            raise NotFoundError(Problem(f"there is no deployment {identity!r}."))
        return found

    @staticmethod
    def _update(tenant: str, identity: str, row: dict[str, Any]) -> Any:
        columns = tables.deployments.c
        return (
            update(tables.deployments)
            .where(columns.tenant == tenant, columns.id == identity)
            .values(**row)
            .returning(columns.id)
        )
