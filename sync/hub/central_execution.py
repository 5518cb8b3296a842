"""Executes at the hub: for each tenant that asks the runtime itself, sandbox and log its own.

A tenant's runtime is opened when first asked and closed when it was not asked for a while.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from runtime.config import load_deployment
from runtime.errors import LoopaiError
from runtime.keys import KeyCheck, KeyFile
from runtime.server.access import Access
from runtime.server.app import Application
from runtime.server.counter_memory import CounterMemory
from runtime.server.metrics import Metrics
from runtime.server.request_head import RequestHead
from runtime.server.served_root import ServedRoot
from runtime.steward.main import run as run_steward
from sync.hub.answers import HubProblemError
from sync.hub.central_figures import central_observers
from sync.hub.packages import Packages
from sync.hub.store import Store
from sync.hub.tenant_root import TenantRoot

SECONDS_BETWEEN_LOOKS = 1.0
IDLE_SECONDS = 600.0

logger = logging.getLogger("loopai.hub")


class TenantRuntime:
    """The runtime of one tenant. On the hub's event loop, its steward on a thread."""

    def __init__(self, root: TenantRoot, store: Store) -> None:
        """Raises LoopaiError for a faulty `config/deployment.yaml` in the tenant's root."""
        self._root = root
        self._store = store
        data_dir = root.data_dir
        config = load_deployment(data_dir.deployment_file)
        memory = CounterMemory(1)
        self._served = ServedRoot(
            data_dir,
            config,
            Metrics(memory, memory.slot(0)),
            # The hub has asked for its own key already.
            Access(KeyCheck(KeyFile(data_dir.keys_file), None)),
            RequestHead(trusts_loopback=False),
        )
        self.users = 0
        self.used_at = time.monotonic()
        self._news = asyncio.Event()
        self._stop = threading.Event()
        self._steward = threading.Thread(target=self._look_after, name=f"steward {root.tenant}")
        self._looking: asyncio.Task[None] | None = None

    @property
    def application(self) -> Application:
        return self._served.application

    async def start(self) -> None:
        """Raises LoopaiError, OSError where there is no sandbox or no place for the data."""
        await run_in_threadpool(self._root.take_up)
        await self._served.start()
        self._steward.start()
        self._looking = asyncio.create_task(self._look_for_ever())

    async def close(self) -> None:
        """Answer what is under way, then end."""
        self._stop.set()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._served.close()
        if self._steward.is_alive():
            await asyncio.to_thread(self._steward.join)

    def tell(self) -> None:
        """Something was published: look at once."""
        self._news.set()

    async def _look_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), SECONDS_BETWEEN_LOOKS)
            self._news.clear()
            try:
                if await run_in_threadpool(self._root.take_up):
                    await self._served.tasks.look()
            except Exception as error:
                # The versions that serve go on serving, whatever the database does.
                logger.error("%s: cannot look for new versions: %s", self._root.tenant, error)

    def _look_after(self) -> None:
        tenant, store = self._root.tenant, self._store
        while not self._stop.is_set():
            try:
                run_steward(
                    self._root.data_dir,
                    self._stop,
                    lambda context: central_observers(context, store, tenant),
                )
            except Exception:
                logger.exception("the steward of %s failed and starts again", tenant)
                self._stop.wait(SECONDS_BETWEEN_LOOKS)


class CentralExecution:
    """The runtimes of all tenants. On the hub's event loop."""

    def __init__(self, folder: Path, store: Store, packages: Packages) -> None:
        self._folder = folder
        self._store = store
        self._packages = packages
        self._runtimes: dict[str, asyncio.Task[TenantRuntime]] = {}
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Nothing is executed yet; a tenant's runtime comes with its first request."""
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """End every tenant's runtime."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        opened = await asyncio.gather(*self._runtimes.values(), return_exceptions=True)
        self._runtimes.clear()
        await asyncio.gather(*(one.close() for one in opened if isinstance(one, TenantRuntime)))

    @asynccontextmanager
    async def of(self, tenant: str) -> AsyncIterator[TenantRuntime]:
        """A tenant's runtime, which stays open during the block. Raises HubProblemError (503)."""
        opening = self._runtimes.get(tenant)
        if opening is None:
            opening = self._runtimes[tenant] = asyncio.create_task(self._open(tenant))
        try:
            # One caller that goes away does not end what the others wait for.
            runtime = await asyncio.shield(opening)
        except (LoopaiError, OSError, SQLAlchemyError) as error:
            if self._runtimes.get(tenant) is opening:
                del self._runtimes[tenant]
            if isinstance(error, SQLAlchemyError):
                raise
            logger.error("%s cannot be executed for: %s", tenant, error)
            detail = "The hub cannot execute now; its log says why."
            raise HubProblemError(503, "Sandbox unavailable", detail) from None
        runtime.users += 1
        try:
            yield runtime
        finally:
            runtime.users -= 1
            runtime.used_at = time.monotonic()

    def published(self, tenant: str) -> None:
        """A version of that tenant's is new."""
        opening = self._runtimes.get(tenant)
        if opening is not None and opening.done() and not opening.exception():
            opening.result().tell()

    async def _open(self, tenant: str) -> TenantRuntime:
        root = TenantRoot(self._folder, tenant, self._packages)
        runtime = TenantRuntime(root, self._store)
        try:
            await runtime.start()
        except BaseException:
            await runtime.close()
            raise
        logger.info("executing for %s", tenant)
        return runtime

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 10)
            for tenant, opening in list(self._runtimes.items()):
                if not opening.done() or opening.exception():
                    continue
                runtime = opening.result()
                if not runtime.users and time.monotonic() - runtime.used_at > IDLE_SECONDS:
                    del self._runtimes[tenant]
                    await runtime.close()
