"""What the steward and the alerts say of themselves, as further lines of `/metrics`.

Read from the small files that the steward rewrites; never from its database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from runtime.alerts.standings import read_alerts
from runtime.clock import utc_now
from runtime.data_dir import DataDir
from runtime.steward.report import is_silent, read_report


def steward_metrics(data_dir: DataDir, moment: datetime | None = None) -> bytes:
    """Prometheus' text format. Where there never was a steward, only that it is not up."""
    registry = CollectorRegistry()
    registry.register(_Shown(data_dir, moment or utc_now()))
    return generate_latest(registry)


class _Shown(Collector):
    def __init__(self, data_dir: DataDir, moment: datetime) -> None:
        self._report = read_report(data_dir)
        self._alerts = read_alerts(data_dir)
        self._moment = moment

    def collect(self) -> Iterator[Metric]:
        report = self._report
        up = GaugeMetricFamily(
            "loopai_steward_up", "1 while the steward has been heard of in the last seconds"
        )
        up.add_metric([], int(report is not None and not is_silent(report, self._moment)))
        yield up
        alerts = GaugeMetricFamily(
            "loopai_alert", "Alerts raised: 1 a warning, 2 critical", labels=["alert", "task"]
        )
        for alert in self._alerts:
            level = 2 if alert["level"] == "critical" else 1
            alerts.add_metric([alert["alert"], alert["task"] or ""], level)
        yield alerts
        if report is None:
            return
        lag_bytes = GaugeMetricFamily(
            "loopai_steward_lag_bytes", "Log that the steward has not read yet", labels=["task"]
        )
        lag_seconds = GaugeMetricFamily(
            "loopai_steward_lag_seconds", "Age of the oldest line not read yet", labels=["task"]
        )
        for task, figures in report["tasks"].items():
            lag_bytes.add_metric([task], figures["lag_bytes"])
            lag_seconds.add_metric([task], figures["lag_seconds"])
        yield lag_bytes
        yield lag_seconds
        errors = CounterMetricFamily(
            "loopai_steward_errors", "Failures of the steward's parts", labels=["observer"]
        )
        for name in report["observers"]:
            errors.add_metric([name], report["errors"].get(name, 0))
        yield errors
        lines = CounterMetricFamily("loopai_steward_lines", "Log lines that the steward has read")
        lines.add_metric([], report["lines_read"])
        yield lines
