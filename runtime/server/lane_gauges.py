"""Shows how full each task's queue is and whether its log works, as gauges of this worker."""

from __future__ import annotations

from runtime.server.metrics import Metrics
from runtime.server.served_tasks import ServedTasks


def show_lanes(tasks: ServedTasks, metrics: Metrics) -> None:
    """Bring this worker's gauges of every task up to date."""
    for name, served in tasks.by_name.items():
        metrics.set(("in_flight", name), served.lane.in_flight)
        metrics.set(("queue_depth", name), served.lane.waiting())
        metrics.set(("log_lag_seconds", name), served.lane.log_lag())
        metrics.set(("queue_limit", name), served.lane.max_queue)
        metrics.set(("log_fails", name), float(served.lane.log.problem is not None))
