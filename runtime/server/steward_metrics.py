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
from runtime.validation.standing import read_standing


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
        self._validation = read_standing(data_dir)

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
        yield from self._of_validation()
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

    def _of_validation(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "loopai_validation_waiting", "Samples without an oracle's answer", labels=["task"]
        )
        problems = GaugeMetricFamily(
            "loopai_validation_problems", "What is wrong with oracles now", labels=["task"]
        )
        names = {
            "calls": "Questions to an oracle since midnight UTC",
            "failures": "Questions it did not answer",
            "cost": "What they cost, in prices.currency",
            "latency_ms": "Milliseconds they took, all together",
        }
        today = {
            name: GaugeMetricFamily(f"loopai_oracle_{name}_today", what, labels=["task", "oracle"])
            for name, what in names.items()
        }
        for task, figures in self._validation.items():
            waiting.add_metric([task], figures["waiting"])
            problems.add_metric([task], len(figures["problems"]))
            for oracle, of_day in figures["oracles_today"].items():
                for name, family in today.items():
                    family.add_metric([task, oracle], of_day[name])
        yield from (waiting, problems, *today.values())
