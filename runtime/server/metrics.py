"""Counts what the server does, cheaply, and shows it in Prometheus' text format when asked.

Figures stand in memory that all HTTP workers share, so any of them shows the totals.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from runtime.server.counter_memory import Cells, CounterMemory, Key, Slot

# Milliseconds: programs take microseconds, a timeout seconds.
BUCKETS_MS = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100),
    *(250, 500, 1000, 2500, 5000, 10000),
)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
MINUTES = 60

# name -> (help, labels)
COUNTERS = {
    "problems": ("Requests answered with a problem, by its kind", ("task", "kind")),
    "log_write_errors": ("Appends to the execution log that the disk refused", ("task",)),
    "sandbox_kills": ("Sandbox workers ended, by what for", ("task", "reason")),
    "sandbox_restarts": ("Sandbox workers started in place of others", ()),
    "child_restarts": ("Processes started again after they ended", ("child",)),
    "connections_refused": ("Connections refused or ended early, by reason", ("reason",)),
}
GAUGES = {
    "in_flight": ("Requests accepted and not yet answered", ("task",)),
    "queue_depth": ("Requests accepted that no sandbox worker runs yet", ("task",)),
    "log_lag_seconds": ("Age of the oldest execution whose line is not written yet", ("task",)),
    "queue_limit": ("Requests that may wait, over all workers", ("task",)),
    "connections": ("Open connections", ()),
    "workers_ready": ("HTTP workers that answer requests", ()),
}
#: Of these the largest counts, not the sum over all processes.
LARGEST = frozenset({"log_lag_seconds"})
#: What means nothing once the process that wrote it has ended.
OF_A_PROCESS = frozenset({*GAUGES, "alive", "log_fails"})
EXECUTIONS, BATCHES, PER_MINUTE = "executions", "batches", "minutes"

Figures = dict[Key, list[float]]
TaskState = tuple[str, int | None, int]


class Execution(Protocol):
    """What is counted of an execution."""

    version: int
    status: str
    latency_ms: float


class Metrics:
    """The figures of one process, and the sums of all."""

    def __init__(self, memory: CounterMemory, slot: Slot) -> None:
        self._memory = memory
        self._slot = slot
        self._lock = threading.Lock()
        self._executions: dict[tuple[str, int, str], Cells] = {}
        self._batches: dict[str, Cells] = {}
        self._minutes: dict[str, Cells] = {}
        slot.clear(OF_A_PROCESS)
        self.problems = Counter(self, "problems")
        self.log_write_errors = Counter(self, "log_write_errors")

    def count_batch(self, task: str, executions: Sequence[Execution], size: int) -> None:
        """Count executions that are in the log, of a batch of `size`."""
        latencies: dict[tuple[int, str], list[float]] = {}
        for execution in executions:
            kind = (execution.version, execution.status)
            known = latencies.get(kind)
            if known is None:
                latencies[kind] = [execution.latency_ms]
            else:
                known.append(execution.latency_ms)
        with self._lock:
            successes = 0
            for (version, status), found in latencies.items():
                cells = self._cells(task, version, status)
                for latency in found:
                    cells[bisect_left(BUCKETS_MS, latency)] += 1
                cells[-1] += sum(found)
                if status == "success":
                    successes += len(found)
            self._count_minute(task, successes, len(executions) - successes)
            batches = self._batches.get(task)
            if batches is None:
                batches = self._slot.row((BATCHES, task), len(BATCH_SIZES) + 2)
                self._batches[task] = batches
            batches[bisect_left(BATCH_SIZES, size)] += 1
            batches[-1] += size

    def count_sandbox_end(self, reason: str, task: str) -> None:
        """Count a sandbox worker that ended and had another take its place; `task` "" for none."""
        self.add(("sandbox_kills", task, reason))
        self.add(("sandbox_restarts",))

    def _cells(self, task: str, version: int, status: str) -> Cells:
        cells = self._executions.get((task, version, status))
        if cells is None:
            key = (EXECUTIONS, task, str(version), status)
            cells = self._slot.row(key, len(BUCKETS_MS) + 2)
            self._executions[task, version, status] = cells
        return cells

    def _count_minute(self, task: str, successes: int, failures: int) -> None:
        minute = int(time.time()) // 60
        cells = self._minutes.get(task)
        if cells is None:
            cells = self._minutes[task] = self._slot.row((PER_MINUTE, task), 3 * MINUTES)
        at = 3 * (minute % MINUTES)
        if cells[at] != minute:
            cells[at], cells[at + 1], cells[at + 2] = minute, 0, 0
        cells[at + 1] += successes
        cells[at + 2] += failures

    def add(self, key: Key, amount: float = 1) -> None:
        """Add to the counter `key`: its name, then its labels."""
        with self._lock:
            self._slot.row(key, 1)[0] += amount

    def set(self, key: Key, value: float) -> None:
        """Set this process's share of the gauge `key`."""
        with self._lock:
            self._slot.row(key, 1)[0] = value

    def totals(self) -> Figures:
        """Every row, over all processes; `minutes` rows are `per_minute`'s."""
        totals: Figures = {}
        for key, cells in self._memory.rows():
            if key[0] == PER_MINUTE or key[0] == "alive":
                continue
            known = totals.get(key)
            if known is not None:
                together = max if key[0] in LARGEST else sum
                cells = [*map(together, zip(known, cells, strict=True))]
            totals[key] = cells
        return totals

    def per_minute(self, task: str) -> list[tuple[int, int]]:
        """(successes, failures) of each of the last 60 minutes, the current one last."""
        now = int(time.time()) // 60
        found = {minute: [0, 0] for minute in range(now - MINUTES + 1, now + 1)}
        for key, cells in self._memory.rows():
            if key == (PER_MINUTE, task):
                for at in range(0, 3 * MINUTES, 3):
                    counts = found.get(int(cells[at]))
                    if counts is not None:
                        counts[0] += int(cells[at + 1])
                        counts[1] += int(cells[at + 2])
        return [(well, badly) for well, badly in found.values()]

    def text(self, tasks: Callable[[], Iterable[TaskState]]) -> bytes:
        """Everything in Prometheus' text format.

        `tasks` gives (task, active version, bytes of its log) for each task.
        """
        registry = CollectorRegistry()
        registry.register(_Shown(self.totals(), tasks))
        return generate_latest(registry)


class Counter:
    """One family of counters, in the words of Prometheus' own client."""

    def __init__(self, metrics: Metrics, name: str, labels: tuple[str, ...] = ()) -> None:
        self._metrics = metrics
        self._name = name
        self._labels = labels

    def labels(self, *values: object) -> Counter:
        return Counter(self._metrics, self._name, tuple(map(str, values)))

    def inc(self, amount: float = 1) -> None:
        self._metrics.add((self._name, *self._labels), amount)


class _Shown(Collector):
    def __init__(self, figures: Figures, tasks: Callable[[], Iterable[TaskState]]) -> None:
        self._figures = figures
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        labels = ["task", "version", "status"]
        total = CounterMetricFamily(
            "loopai_executions", "Executions logged and answered", labels=labels
        )
        latency = HistogramMetricFamily(
            "loopai_execution_seconds", "Time a program took for one execution", labels=labels
        )
        bounds = [str(bound / 1000) for bound in BUCKETS_MS]
        for names, cells in self._of(EXECUTIONS):
            total.add_metric(names, sum(cells[:-1]))
            latency.add_metric(names, _cumulative(bounds, cells), cells[-1] / 1000)
        yield total
        yield latency
        sizes = HistogramMetricFamily(
            "loopai_batch_executions", "Executions handed to the sandbox at once", labels=["task"]
        )
        for names, cells in self._of(BATCHES):
            sizes.add_metric(names, _cumulative([*map(str, BATCH_SIZES)], cells), cells[-1])
        yield sizes
        for name, (help_text, of) in COUNTERS.items():
            counter = CounterMetricFamily(f"loopai_{name}", help_text, labels=of)
            for names, cells in self._of(name):
                counter.add_metric(names, cells[0])
            yield counter
        for name, (help_text, of) in GAUGES.items():
            gauge = GaugeMetricFamily(f"loopai_{name}", help_text, labels=of)
            for names, cells in self._of(name):
                gauge.add_metric(names, cells[0])
            yield gauge
        yield from self._of_tasks()

    def _of_tasks(self) -> Iterator[Metric]:
        version = GaugeMetricFamily(
            "loopai_active_version", "The program version that serves, 0 for none", labels=["task"]
        )
        writable = GaugeMetricFamily(
            "loopai_log_writable", "1 while every worker can write its log", labels=["task"]
        )
        size = GaugeMetricFamily(
            "loopai_log_bytes", "Size of the execution log on disk", labels=["task"]
        )
        for task, active, log_bytes in self._tasks():
            failing = self._figures.get(("log_fails", task), [0.0])[0]
            version.add_metric([task], active or 0)
            writable.add_metric([task], int(not failing))
            size.add_metric([task], log_bytes)
        yield version
        yield writable
        yield size

    def _of(self, name: str) -> Iterator[tuple[list[str], list[float]]]:
        for key in sorted(self._figures):
            if key[0] == name:
                yield list(key[1:]), self._figures[key]


def _cumulative(bounds: list[str], cells: list[float]) -> list[tuple[str, float]]:
    """Prometheus' buckets of a row: its counts, then the count beyond, then the sum."""
    buckets, seen = [], 0.0
    for bound, count in zip([*bounds, "+Inf"], cells[:-1], strict=True):
        seen += count
        buckets.append((bound, seen))
    return buckets
