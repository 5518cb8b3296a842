"""The parent's handles on the fork server and on one worker process: start, talk, kill.

They move bytes and descriptors and know the frames, but nothing of programs or time limits.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import RestrictedPython

import runtime
from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.limits import MEGABYTE, Limits

CLOCK_BYTES = 24
START_SECONDS = 30.0
RECEIVE_BYTES = 256 * 1024
READY_BYTES = 64 * 1024
_BOOT = (
    "import json, sys; sys.path += json.loads(sys.argv[1]); "
    "from runtime.sandbox.inside.server import main; main()"
)
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


class WorkerProcess:
    """One jailed process: a socket to it, a descriptor that names it, a clock it writes."""

    def __init__(self, connection: socket.socket, pid: int, pidfd: int, memory: mmap.mmap) -> None:
        self.pid = pid
        self.executions = 0
        self.loaded: dict[str, None] = {}  # digests of programs, least recently used first
        self.walls: tuple[protocol.Wall, ...] | None = None
        self._connection = connection
        self._pidfd = pidfd
        self._memory = memory
        self._clock = memoryview(memory).cast("Q")
        self._reader = protocol.FrameReader()

    def send(self, kind: protocol.Kind, payload: bytes, seconds: float) -> None:
        """Raises OSError (TimeoutError too) when the worker does not take it."""
        self._connection.settimeout(seconds)
        self._connection.sendall(protocol.frame(kind, payload))

    def receive(self, seconds: float) -> Iterator[tuple[protocol.Kind, bytes]]:
        """The frames that arrived, perhaps none; raises TimeoutError, EOFError, OSError.

        Going through them raises ProtocolError after the last good one.
        """
        self._connection.settimeout(max(seconds, 0.0001))
        data = self._connection.recv(RECEIVE_BYTES)
        if not data:
            raise EOFError("the worker process hung up")
        return self._reader.feed(data)

    def fileno(self) -> int:
        """The socket, for an event loop to watch."""
        return self._connection.fileno()

    def try_send(self, data: bytes | memoryview) -> int:
        """Send without waiting; how many bytes were taken, perhaps none. Raises OSError."""
        try:
            return self._connection.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def try_receive(self) -> Iterator[tuple[protocol.Kind, bytes]]:
        """The frames that arrived, without waiting. Raises like `receive`, but no TimeoutError."""
        try:
            data = self._connection.recv(READY_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return iter(())
        if not data:
            raise EOFError("the worker process hung up")
        return self._reader.feed(data)

    def stop_after_this(self, told: bool) -> None:
        """Tell the worker to leave out the inputs after the one that runs, or not to any more."""
        self._clock[2] = told

    def leftovers(self) -> Iterator[tuple[protocol.Kind, bytes]]:
        """Whole frames that a worker sent before it died."""
        self._connection.setblocking(False)
        with contextlib.suppress(OSError, protocol.ProtocolError):
            while data := self._connection.recv(RECEIVE_BYTES):
                yield from self._reader.feed(data)

    def running(self) -> tuple[int, float]:
        """The position (from 1; 0 when idle) it says it runs, and since when (monotonic, s)."""
        return self._clock[0], self._clock[1] / 1e9

    def cpu_seconds(self) -> float:
        """The processor time it has used; infinite when the kernel does not tell."""
        try:
            # The clock of another process, as clock_getcpuclockid(3) makes it.
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return math.inf

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self._connection.close()
        os.close(self._pidfd)
        self._clock.release()
        self._memory.close()


class ForkServer:
    """Starts workers; safe to use from several threads. It dies with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    def fork(self, limits: Limits) -> WorkerProcess:
        """A new worker, perhaps still raising its walls; raises LoopaiError."""
        with self._lock:
            if self._closed:
                raise LoopaiError("The sandbox is closed.")
            try:
                return self._fork(limits)
            except (OSError, EOFError):
                self._stop()  # killed from outside: a fresh one may do
                return self._fork(limits)

    def is_alive(self) -> bool:
        """Whether the process is there that workers die with."""
        process = self._process
        return process is not None and process.poll() is None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._stop()

    def _fork(self, limits: Limits) -> WorkerProcess:
        control = self._control or self._start()
        ours, theirs = socket.socketpair()
        clock = os.memfd_create("clock")
        try:
            os.ftruncate(clock, CLOCK_BYTES)
            request = {
                "memory_bytes": limits.memory_mb * MEGABYTE,
                "output_bytes": limits.output_bytes,
            }
            socket.send_fds(control, [protocol.encode(request)], [theirs.fileno(), clock])
            data, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
            if not data:
                raise EOFError("the fork server hung up")
            answer = msgspec.json.decode(data)
            if not descriptors:
                raise LoopaiError(f"No sandbox worker could be started: {answer['error']}")
            memory = mmap.mmap(clock, CLOCK_BYTES)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(clock)
        return WorkerProcess(ours, answer["pid"], descriptors[0], memory)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folders = {str(Path(module.__path__[0]).parent) for module in (
            runtime, msgspec, RestrictedPython)}  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-W", "ignore", "-c", _BOOT,
             json.dumps(sorted(folders)), str(theirs.fileno())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(theirs.fileno(),),
            env=_ENVIRONMENT, cwd="/", start_new_session=True,
        )  # fmt: skip
        theirs.close()
        ours.settimeout(START_SECONDS)
        self._control = ours
        if ours.recv(64) != b"ready":
            self._stop()
            raise LoopaiError("The sandbox could not start; its reason is on standard error.")
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None
