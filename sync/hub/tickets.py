"""Tickets: what the hub could not solve by itself and a person must look at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from runtime.clock import format_time, utc_now
from runtime.errors import NotFoundError, Problem
from sync.hub import tables
from sync.hub.store import Store

OPEN, CLOSED = "open", "closed"


class Tickets:
    """The tickets of all tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, tenant: str, task: str, title: str, body: str, facts: dict[str, Any]) -> int:
        """Write a ticket; returns its number."""
        with self._store.write() as connection:
            return self.open_in(connection, tenant, task, title, body, facts)

    def open_in(
        self,
        connection: Connection,
        tenant: str,
        task: str,
        title: str,
        body: str,
        facts: dict[str, Any],
    ) -> int:
        """The same within a transaction of the caller's."""
        number = connection.execute(
            insert(tables.tickets)
            .values(
                tenant=tenant, task=task, title=title, body=body, facts=facts, state=OPEN,
                opened_at=format_time(utc_now()),
            )
            .returning(tables.tickets.c.number)
        ).scalar_one()  # fmt: skip
        self._store.note(connection, tenant, "hub", "ticket opened", number=number, task=task)
        return int(number)

    def close(self, tenant: str, number: int, actor: str) -> None:
        """Close an open ticket. Raises NotFoundError."""
        columns = tables.tickets.c
        with self._store.write() as connection:
            done = connection.execute(
                update(tables.tickets)
                .where(columns.tenant == tenant, columns.number == number, columns.state == OPEN)
                .values(state=CLOSED, closed_at=format_time(utc_now()))
                .returning(columns.number)
            ).first()
            if done is None:
                raise NotFoundError(Problem(f"there is no open ticket {number}."))
            self._store.note(connection, tenant, actor, "ticket closed", number=number)

    def get(self, tenant: str, number: int) -> dict[str, Any]:
        """One ticket. Raises NotFoundError."""
        columns = tables.tickets.c
        with self._store.read() as connection:
            row = connection.execute(
                select(tables.tickets).where(columns.tenant == tenant, columns.number == number)
            ).first()
        if row is None:
            raise NotFoundError(Problem(f"there is no ticket {number}."))
        return {name: value for name, value in row._mapping.items() if name != "tenant"}

    def listed(self, tenant: str, state: str | None = None) -> list[dict[str, Any]]:
        """A tenant's tickets, newest first."""
        columns = tables.tickets.c
        statement = select(tables.tickets).where(columns.tenant == tenant)
        if state is not None:
            statement = statement.where(columns.state == state)
        with self._store.read() as connection:
            rows = connection.execute(statement.order_by(columns.number.desc()))
            found = [dict(row._mapping) for row in rows]
        for row in found:
            del row["tenant"]
        return found
