"""One data directory's tasks as one ASGI application: its sandbox, its logs, its pages.

Whoever listens for HTTP holds one: an HTTP worker of a runtime, or a hub for each tenant.
"""

from __future__ import annotations

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.sandbox import Limits
from runtime.sandbox.pool import Pool
from runtime.server.access import Access
from runtime.server.app import Application
from runtime.server.elsewhere import Elsewhere
from runtime.server.lane import Lane
from runtime.server.metrics import Metrics
from runtime.server.pages import build_pages
from runtime.server.request_head import RequestHead
from runtime.server.served_tasks import ServedTasks
from runtime.server.tracing import Tracing


class ServedRoot:
    """Nothing runs before `start` and nothing after `close`. On one event loop only."""

    def __init__(
        self,
        data_dir: DataDir,
        config: DeploymentConfig,
        metrics: Metrics,
        access: Access,
        head: RequestHead,
        *,
        default_task: str = "",
        tracing: Tracing | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """With `elsewhere`, that executes, and there is no sandbox here."""
        execution = config.execution
        limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
        self._strict = execution.require_isolation == "strict"
        self._elsewhere = elsewhere
        self._pool = Pool(limits, execution.sandbox_workers, metrics.count_sandbox_end)

        def new_lane(name: str) -> Lane:
            log = ExecutionLog(data_dir.executions(name), durability=config.storage.durability)
            return Lane(name, self._pool, log, metrics, config.runtime.max_queue)

        self.tasks = ServedTasks(data_dir, self._pool, new_lane)
        self.application = Application(
            self.tasks,
            default_task,
            metrics,
            access,
            head,
            build_pages(self.tasks, default_task, metrics),
            config.runtime.max_body_bytes,
            execution.slow_ms,
            tracing,
            elsewhere,
        )

    async def start(self) -> None:
        """Raise the sandbox and load every active program. Raises LoopaiError."""
        if self._elsewhere is not None:
            await self._elsewhere.start()
            return
        await self._pool.start(require_isolation=self._strict)
        await self.tasks.start()

    async def close(self) -> None:
        """Answer what is under way, then end the sandbox."""
        if self._elsewhere is not None:
            await self._elsewhere.close()
        await self.tasks.close()
        await self._pool.close()
