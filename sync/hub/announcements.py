"""What is to be told to connected boxes, kept in the database until the serving process tells it.

So whoever changes something in a transaction of its own (a bundle that is imported, the
improvement engine) has it announced exactly when that transaction holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from runtime.clock import Clock, format_time, utc_now
from sync.hub import tables
from sync.hub.store import Store

Kind = Literal["artifact", "alert"]
ARTIFACT: Kind = "artifact"
ALERT: Kind = "alert"
SECONDS_BETWEEN_LOOKS = 0.5

logger = logging.getLogger("loopai.hub")


def announce(
    connection: Connection, tenant: str, kind: Kind, body: dict[str, Any], clock: Clock = utc_now
) -> None:
    """Have a tenant's boxes told, within a transaction of the caller's."""
    connection.execute(
        insert(tables.announcements).values(
            tenant=tenant, kind=kind, body=body, at=format_time(clock())
        )
    )


async def tell_for_ever(
    store: Store,
    published: Callable[[str, str, int], object],
    alert: Callable[[str, dict[str, Any]], object],
) -> None:
    """Tell what other processes have announced, on the hub's event loop."""
    while True:
        try:
            for one in await run_in_threadpool(take_announcements, store):
                if one["kind"] == ARTIFACT:
                    published(one["tenant"], one["body"]["task"], one["body"]["version"])
                else:
                    alert(one["tenant"], one["body"])
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", str(error).splitlines()[0])
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def take_announcements(store: Store, clock: Clock = utc_now) -> list[dict[str, Any]]:
    """What nobody was told yet, oldest first; from now on it was told. Those before are dropped."""
    columns = tables.announcements.c
    with store.read() as connection:
        waiting = connection.execute(
            tables.announcements.select().where(columns.told_at.is_(None)).limit(1)
        ).first()
    if waiting is None:
        return []
    with store.write() as connection:
        connection.execute(delete(tables.announcements).where(columns.told_at.is_not(None)))
        rows = connection.execute(
            update(tables.announcements)
            .where(columns.told_at.is_(None))
            .values(told_at=format_time(clock()))
            .returning(*columns)
        )
        return sorted((dict(row._mapping) for row in rows), key=lambda row: row["number"])
