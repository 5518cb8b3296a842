"""Starts the HTTP workers of one data directory, and the programs beside them, on one socket.

This process accepts no connection itself; its workers do, and it keeps them running.
"""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from runtime.config import DeploymentConfig
from runtime.data_dir import ENVIRONMENT_VARIABLE, DataDir
from runtime.encryption.keys import SealError, keyring_of
from runtime.errors import LoopaiError, Problem
from runtime.keys import KeyCheck, KeyFile
from runtime.server.access import Access
from runtime.server.counter_memory import CounterMemory
from runtime.server.listen import is_loopback, listen, url_of
from runtime.server.metrics import OF_A_PROCESS, Metrics
from runtime.server.worker import HttpWorker
from runtime.supervised_child import ChildSpec, Plan
from runtime.supervisor import Supervisor
from runtime.tls.contexts import server_context
from runtime.tls.settings import ServerTls

MOST_WORKERS_UNASKED = 4
STEWARD = "runtime.steward"
#: What talks to the hub, by name: nothing here may import it.
AGENT = "sync.agent_process"

logger = logging.getLogger("loopai.server")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to listen and what to serve at `/execute`; `workers` overrides the configuration."""

    default_task: str
    host: str
    port: int
    serve_key: str | None = None
    insecure: bool = False
    workers: int | None = None
    #: Whether the steward runs beside the workers, as far as the configuration agrees.
    steward: bool = True
    #: Goes before `runtime.tls` where given.
    tls: ServerTls | None = None


def serve(
    data_dir: DataDir,
    load_config: Callable[[], DeploymentConfig],
    options: ServeOptions,
    announce: Callable[[str], None],
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. SIGHUP loads the configuration anew.

    `announce` gets the URL once requests are answered by all workers. Raises LoopaiError when
    the address may not or cannot be used.
    """
    config = load_config()
    access = open_access(data_dir, options)
    with listen(options.host, options.port) as listener:
        generations = _Generations(data_dir, options, access, listener)
        plan = generations.next_plan(config)
        # Forked children share what is loaded by now, as long as nobody touches it.
        gc.collect()
        gc.freeze()
        supervisor = Supervisor(
            plan,
            lambda: generations.next_plan(load_config()),
            lambda: announce(url_of(options.host, listener, tls=generations.tls)),
            generations.count_restart,
        )
        code = supervisor.run()
    logger.info("stopped")
    return code


def open_access(data_dir: DataDir, options: ServeOptions) -> Access:
    """Raises LoopaiError for an address that others reach when no key keeps them out."""
    keys = KeyCheck(KeyFile(data_dir.keys_file), options.serve_key)
    exposed = not is_loopback(options.host)
    if exposed and not keys.required and not options.insecure:
        raise LoopaiError(
            Problem(
                f"{options.host} can be reached from other machines, and there is no serving key.",
                remedy="Make one with 'loopai-runtime keys create', set LOOPAI_SERVE_KEY, or say "
                "--insecure where something else keeps strangers out.",
            )
        )
    return Access(keys, always=exposed and not options.insecure)


def worker_count(config: DeploymentConfig, asked: int | None = None) -> int:
    """HTTP workers to run: as asked, else as configured, else one a processor and at most 4."""
    if asked is not None:
        return asked
    if "worker_count" in config.execution.model_fields_set:
        return config.execution.worker_count
    return min(MOST_WORKERS_UNASKED, len(os.sched_getaffinity(0)))


class _Generations:
    """Makes the plan of children, again at each reload; figures go on from one to the next."""

    def __init__(
        self, data_dir: DataDir, options: ServeOptions, access: Access, listener: socket.socket
    ) -> None:
        self._data_dir = data_dir
        self._options = options
        self._access = access
        self._listener = listener
        self._memory: CounterMemory | None = None
        self._half = 0
        self.tls = False

    def next_plan(self, config: DeploymentConfig) -> Plan:
        """Raises InvalidInputError for certificate files that cannot be used: read here, so that
        a reload takes up renewed ones, and faulty ones change nothing."""
        context = server_context(self._options.tls or config.runtime.tls)
        self._look_at_keys()
        self.tls = context is not None
        count = worker_count(config, self._options.workers)
        # Slot 0 is this process's. Workers before and after a reload run side by side for a
        # while, so each generation takes the half of the others that the last one did not.
        if self._memory is None or self._memory.slots < 2 * count + 1:
            self._memory = CounterMemory(2 * count + 1)
            self._metrics = Metrics(self._memory, self._memory.slot(0))
        first = 1 + self._half * (self._memory.slots - 1) // 2
        self._half = 1 - self._half
        workers = [self._worker(config, number, first + number, context) for number in range(count)]
        names = dict.fromkeys(config.runtime.modules)
        if self._options.steward and config.runtime.steward:
            names = {STEWARD: None, **names}
        if config.talks_to_hub:
            names[AGENT] = None
        modules = [
            ChildSpec(module, partial(self._run_module, module), says_ready=False)
            for module in names
            if _is_there(module)
        ]
        return Plan([*workers, *modules], config.runtime.drain_sec)

    def _look_at_keys(self) -> None:
        """The workers inherit what is read here. Raises LoopaiError, and nothing is started."""
        root = self._data_dir.root
        try:
            key = keyring_of(root, look=True).current
            if key is not None:
                key.cipher("what is needed for it")
        except SealError as error:
            raise LoopaiError(Problem(f"{error.strerror}.", error.filename)) from None

    def count_restart(self, name: str) -> None:
        self._metrics.add(("child_restarts", name))

    def _worker(
        self, config: DeploymentConfig, number: int, slot: int, tls: ssl.SSLContext | None
    ) -> ChildSpec:
        assert self._memory is not None
        options, memory = self._options, self._memory
        worker = HttpWorker(
            self._data_dir,
            config,
            options.default_task,
            self._access,
            is_loopback(options.host) and not self._access.required,
            self._listener,
            memory,
            slot,
            tls,
        )
        return ChildSpec(
            f"HTTP worker {number + 1}",
            worker.run,
            last_beat=worker.last_beat,
            on_exit=lambda: memory.slot(slot).clear(OF_A_PROCESS),
        )

    def _run_module(self, module: str, control: socket.socket) -> int:
        os.environ[ENVIRONMENT_VARIABLE] = str(self._data_dir.root)
        os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606


def _is_there(module: str) -> bool:
    try:
        found = importlib.util.find_spec(module) is not None
    except ImportError:  # its package is not there either
        found = False
    if not found:
        logger.warning("%s is not installed: left out", module)
    return found
