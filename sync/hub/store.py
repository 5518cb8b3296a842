"""The hub's database, SQLite in a file or PostgreSQL by URL, behind one layer (SQLAlchemy Core).

Short transactions only; everything that blocks runs in threads, never on the event loop.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, func, insert, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from runtime.clock import format_time, utc_now
from runtime.data_dir import make_folder
from runtime.errors import InvalidInputError, LoopaiError, Problem
from sync.hub import tables
from sync.hub.migrations import prepare
from sync.hub.parts import MOST_DAYS_BY_DAY, make_parts

FILE_NAME = "hub.db"
#: The fact that says so.
KEEP_DAYS = "keep_days"
BUSY_SECONDS = 30
CLOSE_SECONDS = 10


class Store:
    """One database. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Open it and make its tables where it is empty.

        Raises InvalidInputError for a wrong URL, LoopaiError when it cannot be reached or was
        written by a later release.
        """
        #: For how many days telemetry is kept; None: for ever.
        self.keep_days: int | None = None
        self._covered: set[int] = set()
        self._users = 0
        self._idle = threading.Condition()
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise InvalidInputError(
                Problem(
                    "the database's URL is malformed.",
                    remedy="Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.",
                )
            ) from None
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.shown_url = parsed.render_as_string(hide_password=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=True)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
        try:
            prepare(self.engine, self.shown_url)
            self.read_keep_days()
        except OperationalError as error:
            self.close()
            reason = str(error.orig).strip().splitlines()[0]
            raise LoopaiError(
                Problem(f"the database {self.shown_url} cannot be used: {reason}.")
            ) from None
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str | None:
        """Where other processes find the database too; None for the embedded one."""
        if self.engine.dialect.name != "postgresql":
            return None
        return self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def notify(self, channel: str, payload: str) -> None:
        """Tell everybody who listens (PostgreSQL)."""
        with self.write() as connection:
            connection.execute(select(func.pg_notify(channel, payload)))

    def keep(self, days: int | None) -> None:
        """Have telemetry kept for so many days, None: for ever, by all processes of the hub."""
        name = tables.facts.c.name
        with self.write() as connection:
            connection.execute(delete(tables.facts).where(name == KEEP_DAYS))
            if days is not None:
                made = {"name": KEEP_DAYS, "value": str(days)}
                connection.execute(insert(tables.facts).values(**made))
        self.read_keep_days()

    def read_keep_days(self) -> None:
        """Take up what another process may have set."""
        facts = tables.facts.c
        with self.read() as connection:
            found = connection.execute(select(facts.value).where(facts.name == KEEP_DAYS)).scalar()
        days = None if found is None else int(found)
        if days != self.keep_days:  # what was dropped may be taken in again
            self._covered = set()
        self.keep_days = days

    def cover(self, days: Collection[int]) -> None:
        """Have room for executions of these days (`days.day_of`), in a transaction of its own:
        to be called before the one that writes them."""
        new = set(days) - self._covered
        if not new or self.url is None:
            return
        by_day = self.keep_days is not None and self.keep_days <= MOST_DAYS_BY_DAY
        with self.write() as connection:
            make_parts(connection, new, by_day=by_day)
        self._covered |= new

    @classmethod
    def in_folder(cls, folder: Path) -> Store:
        """The embedded database of a hub's folder."""
        make_folder(folder)
        return cls(f"sqlite:///{folder / FILE_NAME}")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of the block, or nothing where it raises."""
        with self._used(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        with self._used(), self.engine.connect() as connection:
            yield connection

    def insert_new(self, connection: Connection, table: Any, rows: list[dict[str, Any]]) -> int:
        """Insert rows and leave out those whose primary key is there; returns how many were new."""
        if not rows:
            return 0
        if self.engine.dialect.name == "postgresql":
            return self._insert_recordset(connection, table, rows)
        statement = sqlite.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        return len(connection.execute(statement, rows).fetchall())

    def _insert_recordset(
        self, connection: Connection, table: Any, rows: list[dict[str, Any]]
    ) -> int:
        """All rows as one parameter: with one for each value, most of the time goes into naming
        thirteen thousand of them.
        """
        quote = self.engine.dialect.identifier_preparer.quote
        columns = [column for column in table.columns if column.name in rows[0]]
        names = ", ".join(quote(column.name) for column in columns)
        types = ", ".join(
            f"{quote(column.name)} {column.type.compile(self.engine.dialect)}" for column in columns
        )
        statement = text(
            f"INSERT INTO {quote(table.name)} ({names}) SELECT {names}"  # noqa: S608
            f" FROM json_to_recordset(CAST(:rows AS json)) AS given({types}) ON CONFLICT DO NOTHING"
        )
        return connection.execute(statement, {"rows": json.dumps(rows)}).rowcount

    def note(
        self, connection: Connection, tenant: str, actor: str, action: str, **facts: Any
    ) -> None:
        """Write to the audit table within a transaction."""
        connection.execute(
            insert(tables.audit).values(
                tenant=tenant, at=format_time(utc_now()), actor=actor, action=action, facts=facts
            )
        )

    def close(self) -> None:
        """Close every connection, once threads that nobody waits for any more have ended theirs."""
        with self._idle:
            self._idle.wait_for(lambda: not self._users, CLOSE_SECONDS)
        self.engine.dispose()

    @contextmanager
    def _used(self) -> Iterator[None]:
        with self._idle:
            self._users += 1
        try:
            yield
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
