"""Several hub processes on one address, kept running, and the improvement engine beside them once.

Each worker has a socket of its own on the port, over which the kernel spreads connections evenly,
which matters as they stay for days. This process keeps the sockets: who connects while a worker is
away waits for its successor.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import uvicorn

from runtime.command_line import EXIT_WRONG
from runtime.errors import LoopaiError
from runtime.server.counter_memory import Cells
from runtime.server.listen import listen
from runtime.supervised_child import READY, ChildSpec, Plan
from runtime.supervisor import Supervisor
from runtime.tls.contexts import load_server_files
from sync.hub.renewed_certificates import taken_up_on_sighup
from sync.hub.serving import BACKLOG, Address, serving, with_options

#: How long a worker may take to answer what is under way when it is told to end.
DRAIN_SECONDS = 30.0

logger = logging.getLogger("loopai.hub")


def serve_by_workers(
    make_app: Callable[[], object],
    address: Address,
    count: int,
    engine: tuple[list[str], dict[str, str]] | None,
    announce: Callable[[int], None],
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    `make_app` is called in each worker, so that it opens its own store; `engine` is the command
    and environment of what improves programs; `announce` gets the port once all workers serve.
    Raises LoopaiError when the address cannot be used.
    """
    with ExitStack() as stack:
        listeners = listen_side_by_side(address.host, address.port, count)
        for listener in listeners:
            stack.enter_context(listener)
        children = [_worker(make_app, address, *one) for one in enumerate(listeners, start=1)]
        if engine is not None:
            children.append(_engine(*engine))
        # What is loaded by now the workers share, as long as nobody touches it.
        gc.collect()
        gc.freeze()
        return Supervisor(
            Plan(children, DRAIN_SECONDS),
            lambda: _renew(address),
            lambda: announce(listeners[0].getsockname()[1]),
        ).run()


def listen_side_by_side(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets on one port (0: any free one), of which each gets its share of connections.

    Raises LoopaiError when somebody else has the address: another hub would share it unasked.
    """
    with listen(host, port) as probe:
        family, address = probe.family, probe.getsockname()
    listeners: list[socket.socket] = []
    for _ in range(count):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listeners.append(with_options(listener))
    return listeners


def _worker(
    make_app: Callable[[], object], address: Address, number: int, listener: socket.socket
) -> ChildSpec:
    pulse: Cells = memoryview(mmap.mmap(-1, 8)).cast("d")

    def run(control: socket.socket) -> int:
        if address.context is None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            app = make_app()
        except LoopaiError as error:  # it was well a moment ago: such as a database that is away
            logger.error("%s", error)
            return EXIT_WRONG
        with taken_up_on_sighup(address.context, address.files):
            _Server(serving(app, address, "warning"), control, pulse).run([listener])
        return 0

    return ChildSpec(f"hub worker {number}", run, last_beat=lambda: pulse[0])


def _engine(command: list[str], environment: dict[str, str]) -> ChildSpec:
    def run(control: socket.socket) -> int:
        os.execve(command[0], command, environment)  # noqa: S606

    return ChildSpec("the improvement engine", run, says_ready=False)


def _renew(address: Address) -> None:
    """Read the certificate files anew here, for workers that start later, before those that run
    are told. Raises LoopaiError for faulty ones, and all stays as it was."""
    if address.context is not None and address.files is not None:
        load_server_files(address.context, address.files)


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready and that it lives, and ends well on SIGTERM alone."""

    def __init__(self, config: uvicorn.Config, control: socket.socket, pulse: Cells) -> None:
        super().__init__(config)
        self._control = control
        self._pulse = pulse

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._pulse[0] = time.monotonic()
        with suppress(OSError):
            self._control.send(READY)

    async def on_tick(self, counter: int) -> bool:
        self._pulse[0] = time.monotonic()
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = signal.signal(signal.SIGTERM, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
