"""Takes a hub's database from the format of an older release to today's.

A new table needs no more than its definition in `tables`. Whatever changes one that is there makes
a new format: a number one higher, and the step that leads to it, which stays.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, inspect, select, update

from runtime.format_version import newer
from runtime.migrations import backup_file, copy_database
from sync.hub import tables
from sync.hub.migration_by_day import keep_executions_by_day
from sync.hub.parts import make_first_part

#: Takes a database from the format one lower. On PostgreSQL and SQLite alike all steps are one
#: transaction.
Step = Callable[[Connection], None]

FORMAT_VERSION = 3
#: Any number: what hub processes that start at once agree on to go one after the other.
LOCK = 0x10_0A_10

logger = logging.getLogger("loopai.hub")


def _say_who_validated(connection: Connection) -> None:
    """Which oracle it was, how the execution ended, and by what an equal input is found: empty
    for what came before."""
    connection.exec_driver_sql("ALTER TABLE validations ADD COLUMN oracle VARCHAR(64)")
    connection.exec_driver_sql("ALTER TABLE validations ADD COLUMN status VARCHAR(16)")
    connection.exec_driver_sql("ALTER TABLE validations ADD COLUMN input_key VARCHAR(64)")
    connection.exec_driver_sql(
        "CREATE INDEX validations_by_input ON validations (tenant, task, input_key)"
    )


STEPS: Mapping[int, Step] = {2: _say_who_validated, 3: keep_executions_by_day}


def prepare(engine: Engine, shown: str) -> None:
    """Make the tables, or bring those of an older release up to date; all of it or nothing.

    SQLite is copied beside itself first. Raises InvalidInputError for a later release's.
    """
    embedded = engine.dialect.name == "sqlite"
    found = _found(engine)
    if found is not None and found < FORMAT_VERSION and embedded:
        _back_up(engine, found)
    with engine.begin() as connection:
        if embedded:
            # Python's driver would begin only before the first row is written.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        found = _version(connection)
        if found is not None and found > FORMAT_VERSION:
            raise newer(shown, found, FORMAT_VERSION)
        if found is None:
            tables.metadata.create_all(connection)
            if not embedded:
                make_first_part(connection)
            connection.execute(
                insert(tables.facts).values(name="format_version", value=str(FORMAT_VERSION))
            )
            return
        for version in range(found + 1, FORMAT_VERSION + 1):
            STEPS[version](connection)
            logger.info("the database is of format %d now", version)
        tables.metadata.create_all(connection)
        if found < FORMAT_VERSION:
            connection.execute(
                update(tables.facts)
                .where(tables.facts.c.name == "format_version")
                .values(value=str(FORMAT_VERSION))
            )


def _found(engine: Engine) -> int | None:
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: Connection) -> int | None:
    """The format of the tables that are there; None where there are none."""
    if not inspect(connection).has_table(tables.facts.name):
        return None
    found = connection.execute(
        select(tables.facts.c.value).where(tables.facts.c.name == "format_version")
    ).scalar()
    return None if found is None else int(found)


def _back_up(engine: Engine, found: int) -> None:
    file = Path(engine.url.database or "")
    raw = engine.raw_connection()
    try:
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        copy_database(driver, backup_file(file, found))
    finally:
        raw.close()
    logger.info("the database as it was is kept as %s", backup_file(file, found))
