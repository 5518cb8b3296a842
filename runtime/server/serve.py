"""Starts the HTTP server of one data directory and stops it without dropping a request."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import uvicorn
import uvloop

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.errors import LoopaiError, Problem
from runtime.keys import KeyCheck, KeyFile
from runtime.sandbox import Limits, Sandbox
from runtime.server.access import Access
from runtime.server.app import Application
from runtime.server.lane import Lane
from runtime.server.metrics import LaneState, Metrics
from runtime.server.pages import build_pages
from runtime.server.served_tasks import ServedTasks

SECONDS_TO_DRAIN = 30
BACKLOG = 2048

logger = logging.getLogger("loopai.server")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to listen and what to serve at `/execute`."""

    default_task: str
    host: str
    port: int
    serve_key: str | None = None
    insecure: bool = False


def serve(
    data_dir: DataDir,
    config: DeploymentConfig,
    options: ServeOptions,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets the URL once requests are answered.

    Raises LoopaiError when the address may not or cannot be used, or the sandbox cannot start.
    """
    access = open_access(data_dir, options)
    listener = listen(options.host, options.port)
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(data_dir, config, options, access, listener, announce))


def open_access(data_dir: DataDir, options: ServeOptions) -> Access:
    """Raises LoopaiError for an address that others reach when no key keeps them out."""
    keys = KeyCheck(KeyFile(data_dir.keys_file), options.serve_key)
    exposed = not _is_loopback(options.host)
    if exposed and not keys.required and not options.insecure:
        raise LoopaiError(
            Problem(
                f"{options.host} can be reached from other machines, and there is no serving key.",
                remedy="Make one with 'loopai-runtime keys create', set LOOPAI_SERVE_KEY, or say "
                "--insecure where something else keeps strangers out.",
            )
        )
    return Access(keys, always=exposed and not options.insecure)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket (port 0: any free one). Raises LoopaiError when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LoopaiError(
            Problem(f"cannot listen on {host}: {error.strerror}.", remedy="Choose another --host.")
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # At once, so that a second runtime on this port fails before it loads anything.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LoopaiError(
            Problem(
                f"cannot listen on {host} port {port}: {error.strerror}.",
                remedy="Stop what uses it, or choose another --port (0 takes a free one).",
            )
        ) from None
    return listener


async def _serve(
    data_dir: DataDir,
    config: DeploymentConfig,
    options: ServeOptions,
    access: Access,
    listener: socket.socket,
    announce: Callable[[str], None],
) -> None:
    execution = config.execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    # More workers than processors only help where one task is slow and another is not.
    workers = min(execution.worker_count, max(2, os.cpu_count() or 2))
    strict = execution.require_isolation == "strict"
    with Sandbox(limits, workers=workers, require_isolation=strict) as sandbox:
        metrics = Metrics(lambda: _lane_states(tasks))

        def new_lane(name: str) -> Lane:
            log = ExecutionLog(data_dir.executions(name), durability=config.storage.durability)
            return Lane(name, sandbox, log, metrics, config.runtime.max_queue)

        tasks = ServedTasks(data_dir, sandbox, new_lane, access.refresh)
        application = Application(
            tasks,
            options.default_task,
            metrics,
            access,
            build_pages(tasks, options.default_task, metrics),
            config.runtime.max_body_bytes,
        )
        try:
            await tasks.start()
            await _Server(application, lambda: announce(_url(options.host, listener))).serve(
                sockets=[listener]
            )
        finally:
            await tasks.close()
            logger.info("stopped")


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready and ends well on SIGTERM instead of by the signal."""

    def __init__(self, application: Application, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http="httptools",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=SECONDS_TO_DRAIN,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was loaded stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        previous = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            logger.info("%s: answering what is under way", signal.Signals(sig).name)
        super().handle_exit(sig, frame)


def _lane_states(tasks: ServedTasks) -> Iterator[LaneState]:
    for name, served in tasks.by_name.items():
        lane = served.lane
        version = lane.serving.version if lane.serving else None
        yield name, lane.in_flight, version, lane.log.problem is None


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
