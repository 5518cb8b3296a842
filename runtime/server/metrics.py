"""Counts what the server does, cheaply, and shows it in Prometheus' text format when asked.

Executions are counted in plain lists under one lock a batch; the format is built on a scrape.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# Milliseconds: programs take microseconds, a timeout seconds.
BUCKETS_MS = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100),
    *(250, 500, 1000, 2500, 5000, 10000),
)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# A second series for each counter, and no reader of it.
disable_created_metrics()  # type: ignore[no-untyped-call]

LaneState = tuple[str, int, int | None, bool]


class Execution(Protocol):
    """What is counted of an execution."""

    version: int
    status: str
    latency_ms: float


class Metrics:
    """The figures of one server process."""

    def __init__(self, lanes: Callable[[], Iterable[LaneState]]) -> None:
        """`lanes` gives (task, waiting, active version, log writable) of each task."""
        self._registry = CollectorRegistry()
        self._executions = _Executions()
        self._registry.register(self._executions)
        self._registry.register(_Lanes(lanes))
        self.problems = Counter(
            "loopai_problems",
            "Requests answered with a problem, by its kind",
            ["task", "kind"],
            registry=self._registry,
        )
        self.log_write_errors = Counter(
            "loopai_log_write_errors",
            "Appends to the execution log that the disk refused",
            ["task"],
            registry=self._registry,
        )
        self._batches = Histogram(
            "loopai_batch_executions",
            "Executions handed to the sandbox at once",
            ["task"],
            buckets=BATCH_SIZES,
            registry=self._registry,
        )

    def count_batch(self, task: str, executions: Iterable[Execution], size: int) -> None:
        """Count executions that are in the log, of a batch of `size`."""
        self._executions.count(task, executions)
        self._batches.labels(task).observe(size)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Executions(Collector):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int, str], list[int]] = {}
        self._sums: dict[tuple[str, int, str], float] = {}

    def count(self, task: str, executions: Iterable[Execution]) -> None:
        with self._lock:
            for execution in executions:
                key = (task, execution.version, execution.status)
                latency = execution.latency_ms
                counts = self._counts.get(key)
                if counts is None:
                    counts = self._counts[key] = [0] * (len(BUCKETS_MS) + 1)
                    self._sums[key] = 0.0
                counts[bisect_left(BUCKETS_MS, latency)] += 1
                self._sums[key] += latency

    def collect(self) -> Iterator[Metric]:
        labels = ["task", "version", "status"]
        total = CounterMetricFamily(
            "loopai_executions", "Executions logged and answered", labels=labels
        )
        latency = HistogramMetricFamily(
            "loopai_execution_seconds", "Time a program took for one execution", labels=labels
        )
        with self._lock:
            counts = {key: list(values) for key, values in self._counts.items()}
            sums = dict(self._sums)
        for (task, version, status), values in counts.items():
            names = [task, str(version), status]
            total.add_metric(names, sum(values))
            buckets, seen = [], 0
            for bound, value in zip((*BUCKETS_MS, float("inf")), values, strict=True):
                seen += value
                buckets.append(("+Inf" if bound == float("inf") else str(bound / 1000), seen))
            latency.add_metric(names, buckets, sums[task, version, status] / 1000)
        yield total
        yield latency


class _Lanes(Collector):
    def __init__(self, lanes: Callable[[], Iterable[LaneState]]) -> None:
        self._lanes = lanes

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "loopai_in_flight", "Requests accepted and not yet answered", labels=["task"]
        )
        version = GaugeMetricFamily(
            "loopai_active_version", "The program version that serves, 0 for none", labels=["task"]
        )
        writable = GaugeMetricFamily(
            "loopai_log_writable", "1 while the execution log can be written", labels=["task"]
        )
        for task, count, active, log_works in self._lanes():
            waiting.add_metric([task], count)
            version.add_metric([task], active or 0)
            writable.add_metric([task], int(log_works))
        yield waiting
        yield version
        yield writable
