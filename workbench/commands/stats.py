"""`loopai stats`: what the log says of a task, in figures and in bars."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from runtime.clock import utc_now
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.commands.stats import (
    VERSION_COLUMNS,
    agreement_text,
    by_option,
    drift_lines,
    version_rows,
)
from runtime.data_dir import DataDir
from runtime.datasets.rollup import days_with_executions, stats
from runtime.tasks import load_task
from workbench.console import out, print_table

BAR = 30
BLOCKS = "▁▂▃▄▅▆▇█"


@click.command("stats", help="Latency, throughput, errors and outputs of a task, by day.")
@click.argument("task")
@click.option("--days", default=7, show_default=True, type=click.IntRange(min=1))
@by_option
@data_dir_option
@json_option
def command(task: str, days: int, by: str, data_dir: DataDir, as_json: bool) -> None:
    load_task(data_dir, task, with_examples=False)
    first = utc_now().date() - timedelta(days=days - 1)
    wanted = [day for day in days_with_executions(data_dir, task) if day >= first]
    data = stats(data_dir, task, wanted)
    if as_json:
        print_json(data)
    elif not data["executions"]:
        out.print(f"{task} was not executed in the last {days} days.", markup=False)
        out.print(f"Serve it with: loopai-runtime start --task-id {task}", markup=False)
    else:
        print_stats(data, by)


def print_stats(data: dict[str, Any], by: str = "day") -> None:
    """The figures for a person, with a table of the days or of the versions."""
    status, latency = data["status"], data["latency_ms"]
    total = data["executions"]
    out.print(
        f"{total:,} executions: "
        + ", ".join(f"{count:,} {name}" for name, count in status.items() if count)
    )
    shown = ", ".join(
        f"{name} {latency[name]:.3f}"
        for name in ("p50", "p90", "p95", "p99", "p99.9", "max")
        if latency.get(name) is not None
    )
    out.print(f"latency in ms: {shown}")
    peak = data["throughput"]
    out.print(f"busiest second: {peak['peak_per_second']:,} executions at {peak['peak_at']}")
    out.print(f"by hour (UTC):  {_spark(peak['per_hour'])}  00 to 23")
    out.print()
    if by == "version":
        print_table(VERSION_COLUMNS, version_rows(data))
    else:
        print_days(data)
    if "agreement" in data:
        out.print(f"agreement with the oracle: {agreement_text(data['agreement'])}", markup=False)
    for line in drift_lines(data):
        out.print(line, markup=False)
    out.print()
    values = data["outputs"]["values"][:10]
    if values:
        print_table(
            ("output", "count", ""),
            [(v["value"], v["count"], "█" * round(BAR * v["count"] / total)) for v in values],
        )
    for error in data["errors"]:
        out.print(f"{error['count']:,} x {error['error']}", markup=False, style="red")
    if data["malformed_lines"]:
        out.print(f"{data['malformed_lines']:,} lines of the log could not be read", style="yellow")


def print_days(data: dict[str, Any]) -> None:
    """A row for each day."""
    print_table(
        ("day", "executions", "errors", "timeouts", "p50 ms", "p99 ms"),
        [
            (
                day["day"],
                day["executions"],
                day["status"].get("error", 0),
                day["status"].get("timeout", 0),
                day["latency_ms"]["p50"],
                day["latency_ms"]["p99"],
            )
            for day in data["by_day"]
        ],
    )


def _spark(counts: list[int]) -> str:
    most = max(counts) or 1
    return "".join(BLOCKS[-(-count * (len(BLOCKS) - 1) // most)] for count in counts)
