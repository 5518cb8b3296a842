"""`loopai stats`: what the log says of a task, in figures and in bars."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from runtime.clock import utc_now
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.datasets.rollup import days_with_executions, stats
from runtime.tasks import load_task
from workbench.console import out, print_table

BAR = 30
BLOCKS = "▁▂▃▄▅▆▇█"


@click.command("stats", help="Latency, throughput, errors and outputs of a task, by day.")
@click.argument("task")
@click.option("--days", default=7, show_default=True, type=click.IntRange(min=1))
@data_dir_option
@json_option
def command(task: str, days: int, data_dir: DataDir, as_json: bool) -> None:
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
        print_stats(data)


def print_stats(data: dict[str, Any]) -> None:
    """The figures for a person."""
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
    out.print()
    values = data["outputs"]["values"][:10]
    if values:
        print_table(
            ("output", "count", ""),
            [(v["value"], v["count"], "█" * round(BAR * v["count"] / total)) for v in values],
        )
    versions = data["versions"]
    if len(versions) > 1:
        out.print()
        print_table(
            ("version", "executions", "p99 ms"),
            [
                (f"v{name}", sum(v["status"].values()), v["latency_ms"]["p99"])
                for name, v in versions.items()
            ],
        )
    for error in data["errors"]:
        out.print(f"{error['count']:,} x {error['error']}", markup=False, style="red")
    if data["malformed_lines"]:
        out.print(f"{data['malformed_lines']:,} lines of the log could not be read", style="yellow")


def _spark(counts: list[int]) -> str:
    most = max(counts) or 1
    return "".join(BLOCKS[-(-count * (len(BLOCKS) - 1) // most)] for count in counts)
