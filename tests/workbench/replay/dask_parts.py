"""A Dask scheduler and workers, as processes of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support import clean_environment, wait_until


@contextmanager
def process(log: Path, *words: str, ready: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A program of its own; entered once it has said `ready` in its log."""
    with log.open("wb") as out:
        running = subprocess.Popen(words, stdout=out, stderr=out, env=clean_environment())
    try:
        wait_until(lambda: ready in log.read_bytes() or running.poll() is not None, seconds=60)
        assert running.poll() is None, log.read_text()
        yield running
    finally:
        running.kill()
        running.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def dask(stack: ExitStack, logs: Path, workers: int) -> tuple[str, list[subprocess.Popen[bytes]]]:
    """A scheduler and workers, each a process of its own, without nannies that restart them."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port)]
    scheduler += ["--host", "127.0.0.1", "--no-dashboard"]
    stack.enter_context(process(logs / "scheduler", *scheduler, ready=b"Scheduler at"))
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    worker += ["--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    return address, [
        stack.enter_context(process(logs / f"worker-{n}", *worker, ready=b"Registered to"))
        for n in range(workers)
    ]
