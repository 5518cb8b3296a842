"""Passes what clients are told from one hub process to the others on one PostgreSQL, by LISTEN and
NOTIFY. What is lost while the database cannot be reached is made good by the boxes' own questions.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from starlette.concurrency import run_in_threadpool

from sync.backoff import seconds_to_wait
from sync.hub.store import Store

CHANNEL = "loopai_hub"
#: What NOTIFY carries at most, less than its 8,000 bytes.
MAX_BYTES = 7900
FIRST_DELAY, MAX_DELAY = 0.2, 10.0
SECONDS_TO_HEAR = 5.0

logger = logging.getLogger("loopai.hub")

#: Gets a tenant, what is called at its clients, and the arguments.
Heard = Callable[[str, str, list[Any]], None]


class Relay:
    """One process's end. On SQLite there is no other process, and it does nothing."""

    def __init__(self, store: Store, heard: Heard) -> None:
        self._store = store
        self._heard = heard
        self._id = secrets.token_hex(8)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._hears = asyncio.Event()
        #: How often it began to hear the others.
        self.connections = 0

    async def start(self) -> None:
        """Returns once it hears the others, so that no client comes before, or after a while."""
        if self._store.url is not None:
            self._listener = asyncio.create_task(self._listen_for_ever(self._store.url))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hears.wait(), SECONDS_TO_HEAR)

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, *self._tasks, return_exceptions=True)

    def pass_on(self, tenant: str, target: str, arguments: list[Any]) -> None:
        """Tell the other processes, soon. On the event loop only."""
        if self._store.url is None:
            return
        payload = json.dumps([self._id, tenant, target, arguments])
        if len(payload) > MAX_BYTES:
            logger.warning("%s is too large for other hub processes to be told", target)
            return
        task = asyncio.create_task(self._notify(payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self, payload: str) -> None:
        try:
            await run_in_threadpool(self._store.notify, CHANNEL, payload)
        except Exception as error:
            logger.error("other hub processes are not told: %s", str(error).splitlines()[0])

    async def _listen_for_ever(self, url: str) -> None:
        failures = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
                    await database.execute(f"LISTEN {CHANNEL}")
                    self.connections, failures = self.connections + 1, 0
                    self._hears.set()
                    async for notice in database.notifies():
                        self._take(notice.payload)
            except psycopg.Error as error:
                logger.error("other hub processes are not heard: %s", str(error).splitlines()[0])
            await asyncio.sleep(seconds_to_wait(failures, first=FIRST_DELAY, most=MAX_DELAY))
            failures += 1

    def _take(self, payload: str) -> None:
        try:
            sender, tenant, target, arguments = json.loads(payload)
        except ValueError:
            return  # somebody else's use of the channel
        if sender != self._id:
            self._heard(tenant, target, arguments)
