"""One HTTP worker: its own event loop, sandbox and log files, on a socket it shares with others.

Runs in a process of its own until told to stop; it starts and restarts no other worker.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn
import uvloop

from runtime.command_line import EXIT_WRONG
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import Mode
from runtime.server.access import Access
from runtime.server.app import Application
from runtime.server.connection import Connection, ConnectionRules
from runtime.server.counter_memory import CounterMemory
from runtime.server.elsewhere import open_elsewhere
from runtime.server.lane_gauges import show_lanes
from runtime.server.listen import BACKLOG
from runtime.server.metrics import Metrics
from runtime.server.refusals import stopping
from runtime.server.request_head import RequestHead
from runtime.server.served_root import ServedRoot
from runtime.server.served_tasks import ServedTasks
from runtime.server.short_way import ShortWay
from runtime.server.tracing import open_tracing
from runtime.supervised_child import READY, RETIRE
from runtime.supervisor import SECONDS_TO_MOVE_ON

SECONDS_BETWEEN_PULSES = 0.5
KEYS_NEEDED = ("keys_needed",)
GC_THRESHOLDS = (50_000, 10, 10)


@dataclass(frozen=True, eq=False)
class HttpWorker:
    """All a worker needs; made before the fork, used after it."""

    data_dir: DataDir
    config: DeploymentConfig
    default_task: str
    access: Access
    trusts_loopback: bool
    listener: socket.socket
    memory: CounterMemory
    slot: int
    tls: ssl.SSLContext | None = None

    def run(self, control: socket.socket) -> int:
        """Serve until told to stop; returns the exit code. For a process of its own."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(control))
        except LoopaiError as error:
            for problem in error.problems:
                sys.stderr.write(f"error: {problem}\n")
            return EXIT_WRONG
        return 0

    def last_beat(self) -> float:
        """When the worker last gave a sign of life (monotonic, seconds)."""
        return self.memory.slot(self.slot).row(("alive",), 1)[0]

    async def _serve(self, control: socket.socket) -> None:
        config = self.config
        tracing = open_tracing() if config.runtime.traces else None
        metrics = Metrics(self.memory, self.memory.slot(self.slot))
        # A key that was needed stays needed, over this worker's predecessors too.
        self.access.required |= any(metrics.totals().get(KEYS_NEEDED, ()))
        central = config.mode is Mode.CENTRAL
        head = RequestHead(
            trusts_loopback=self.trusts_loopback, allowed_hosts=config.runtime.allowed_hosts
        )
        root = ServedRoot(
            self.data_dir,
            config,
            metrics,
            self.access,
            head,
            default_task=self.default_task,
            tracing=tracing,
            elsewhere=open_elsewhere(self.data_dir, config) if central else None,
        )
        rules = ConnectionRules(
            config.runtime, lambda reason: metrics.add(("connections_refused", reason))
        )
        if tracing is None and not central:
            rules.short_way = ShortWay(root.application)
        server = _Server(root.application, rules, self.tls)
        pulse = asyncio.create_task(self._beat(server, root.tasks, metrics))
        try:
            await root.start()
            server.on_ready = partial(self._say_ready, control, metrics)
            self._obey(control, server)
            await server.serve(sockets=[self.listener])
        finally:
            pulse.cancel()
            await root.close()
            if tracing is not None:
                tracing.close()

    async def _beat(self, server: _Server, tasks: ServedTasks, metrics: Metrics) -> None:
        """Show that the loop turns, show its gauges, take up keys that were made or revoked, and
        end connections that are too slow."""
        loop = asyncio.get_running_loop()
        while True:
            metrics.set(("alive",), time.monotonic())
            self.access.refresh()
            if self.access.required:
                metrics.set(KEYS_NEEDED, 1)
            show_lanes(tasks, metrics)
            connections = server.server_state.connections
            metrics.set(("connections",), len(connections))
            now = loop.time()
            for connection in list(connections):
                if isinstance(connection, Connection):
                    connection.sweep(now)
            await asyncio.sleep(SECONDS_BETWEEN_PULSES)

    def _say_ready(self, control: socket.socket, metrics: Metrics) -> None:
        metrics.set(("workers_ready",), 1)
        with suppress(OSError):
            control.send(READY)

    def _obey(self, control: socket.socket, server: _Server) -> None:
        loop = asyncio.get_running_loop()
        control.setblocking(False)

        def hear() -> None:
            message = control.recv(64)
            if message == RETIRE:
                server.retire()
            elif not message:
                loop.remove_reader(control.fileno())

        loop.add_reader(control.fileno(), hear)


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready, ends well on SIGTERM, and can retire first."""

    def __init__(
        self, application: Application, rules: ConnectionRules, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=partial(Connection, rules),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=rules.config.keep_alive_sec,  # type: ignore[arg-type]
                timeout_graceful_shutdown=rules.config.drain_sec,  # type: ignore[arg-type]
                ssl_context_factory=None if tls is None else lambda config, default: tls,
            )
        )
        self.on_ready: Callable[[], None] = lambda: None
        self._rules = rules

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was loaded stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        # What a request makes is in no cycle: looking for some every 700 objects finds none.
        gc.set_threshold(*GC_THRESHOLDS)
        self.on_ready()

    def retire(self) -> None:
        """Take no new connections; end once callers have had time to leave those there are."""
        self._rules.draining = True
        for server in self.servers:
            server.close()
        asyncio.get_running_loop().call_later(SECONDS_TO_MOVE_ON, self._exit)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.stop(stopping())

    async def on_tick(self, counter: int) -> bool:
        left = self._rules.draining and not self.server_state.connections
        return await super().on_tick(counter) or left

    def _exit(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = signal.signal(signal.SIGTERM, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._exit()
