"""Loads one running server with wrk, and says what it did and what that cost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.serving.targets import BODY, Running

SCRIPT = Path(__file__).with_name("wrk.lua")
WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load: latencies in ms, CPU in us a request, memory in MB (PSS)."""

    name: str
    connections: int
    rate: float
    p50: float
    p99: float
    p999: float
    cpu_us: float
    memory_mb: float
    failed: int


def find_wrk() -> str:
    """wrk's command. Raises SystemExit where it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is not installed: apt install wrk")
    return found


def measure(server: Running, connections: int, seconds: int) -> Measured:
    """Load `server` for `seconds` from so many connections, after a short warm-up."""
    _run_wrk(server.url, connections, WARM_UP_SECONDS)
    before = cpu_seconds(server.pid)
    with _HighestMemory(server.pid) as highest:
        result = _run_wrk(server.url, connections, seconds)
    cpu = cpu_seconds(server.pid) - before
    return Measured(
        name=server.name,
        connections=connections,
        rate=result["requests"] / result["seconds"],
        p50=result["p50"],
        p99=result["p99"],
        p999=result["p999"],
        cpu_us=1e6 * cpu / max(1, result["requests"]),
        memory_mb=highest.value,
        failed=int(result["failed"]),
    )


def cpu_seconds(pid: int) -> float:
    """CPU time that a process, those it started and those that ended took, in seconds."""
    total = 0.0
    for process in _tree(pid):
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mb(pid: int) -> float:
    """Proportional memory of a process and all it started, in MB of 1,000,000 bytes."""
    total = 0
    for process in _tree(pid):
        rollup = Path(f"/proc/{process.pid}/smaps_rollup")
        try:
            lines = rollup.read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


class _HighestMemory:
    """The most memory seen while inside, looked at every half second."""

    def __init__(self, pid: int) -> None:
        self.value = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while True:
            self.value = max(self.value, memory_mb(self._pid))
            if self._ended.wait(0.5):
                return

    def __enter__(self) -> _HighestMemory:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()


def _tree(pid: int) -> Iterator[psutil.Process]:
    first = psutil.Process(pid)
    for process in (first, *first.children(recursive=True)):
        try:
            with process.oneshot():
                yield process
        except psutil.NoSuchProcess:
            continue


def _run_wrk(url: str, connections: int, seconds: int) -> dict[str, float]:
    command = [find_wrk(), "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout"]
    command += ["10s", "-s", str(SCRIPT), f"{url}/execute"]
    environment = {**os.environ, "WRK_BODY": BODY.decode()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return result
