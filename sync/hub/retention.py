"""Drops telemetry that is too old; what is dropped is not taken in again, see `days`."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, text, tuple_
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from runtime.clock import Clock, utc_now
from sync.hub import tables
from sync.hub.days import kept_days
from sync.hub.parts import BEFORE, LOCK, old_parts, parts_of
from sync.hub.store import Store

#: Oracles that count when a box asks what is right, as the others are no better than the hub
#: itself; their word does not get old, and stays.
TRUSTED = ("person", "file")
SECONDS_BETWEEN_LOOKS = 60.0
#: Rows deleted in one short transaction.
ROWS_AT_ONCE = 5000
#: Whoever writes waits so long at most while a part is dropped; else it is tried again.
LOCK_TIMEOUT = "2s"

logger = logging.getLogger("loopai.hub")


async def drop_for_ever(store: Store) -> None:
    """Drop what has become too old, on the hub's event loop, the work on a thread."""
    while True:
        try:
            await run_in_threadpool(drop_old, store)
        except SQLAlchemyError as error:
            logger.error("old telemetry stays for now: %s", str(error).splitlines()[0])
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def drop_old(store: Store, clock: Clock = utc_now) -> None:
    """Drop executions, the keys of their batches, and what oracles said, but for what people did.

    One process at a time; another one returns at once.
    """
    store.read_keep_days()
    if store.keep_days is None:
        return
    now = clock()
    kept = kept_days(store.keep_days, now)
    first = (now.date() - timedelta(store.keep_days)).isoformat()
    with store.write() as guard:
        if store.url is not None:
            if not guard.execute(select(func.pg_try_advisory_xact_lock(LOCK + 1))).scalar():
                return
            _drop_parts(store, kept.oldest)
        batches, judged, one = tables.batches.c, tables.validations.c, tables.executions.c
        said_by_others = func.coalesce(judged.oracle, "").not_in(TRUSTED)
        if store.url is None:
            _delete(store, tables.executions, one.day < kept.oldest)
        _delete(store, tables.batches, batches.received_at < first)
        _delete(store, tables.validations, and_(judged.at < first, said_by_others))


def _drop_parts(store: Store, oldest: int) -> None:
    with store.write() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        for name in old_parts(parts_of(connection), oldest):
            connection.execute(text(f"DROP TABLE {name}"))
            logger.info("%s is older than what is kept, and dropped", name)
        connection.execute(text(f"DELETE FROM {BEFORE}"))  # noqa: S608


def _delete(store: Store, table: Table, old: ColumnElement[bool]) -> None:
    key = tuple_(*table.primary_key)
    some = select(*table.primary_key).where(old).limit(ROWS_AT_ONCE)
    while True:
        with store.write() as connection:
            if connection.execute(delete(table).where(key.in_(some))).rowcount < ROWS_AT_ONCE:
                return
