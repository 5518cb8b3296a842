"""`loopai-runtime stats`: what the log says of a task, in plain text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from runtime.clock import utc_now
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.tasks import load_task

SHOWN_OUTPUTS = 10


@click.command("stats", help="Latency, throughput, errors and outputs of a task.")
@click.argument("task")
@click.option("--days", default=7, show_default=True, type=click.IntRange(min=1))
@data_dir_option
@json_option
def command(task: str, days: int, data_dir: DataDir, as_json: bool) -> None:
    from runtime.datasets.rollup import days_with_executions, stats

    load_task(data_dir, task, with_examples=False)
    first = utc_now().date() - timedelta(days=days - 1)
    wanted = [day for day in days_with_executions(data_dir, task) if day >= first]
    data = stats(data_dir, task, wanted)
    if as_json:
        print_json(data)
    else:
        click.echo("\n".join(describe(data)))


def describe(data: dict[str, Any]) -> list[str]:
    """The figures as lines of text."""
    if not data["executions"]:
        return [f"{data['task']} was not executed in these days."]
    latency = data["latency_ms"]
    status = ", ".join(f"{count:,} {name}" for name, count in data["status"].items() if count)
    percentiles = ", ".join(
        f"{name} {latency[name]:.3f}" for name in ("p50", "p90", "p95", "p99", "p99.9", "max")
    )
    peak = data["throughput"]
    lines = [
        f"{data['executions']:,} executions: {status}",
        f"latency in ms: {percentiles}",
        f"busiest second: {peak['peak_per_second']:,} executions at {peak['peak_at']}",
        "day           executions    errors  timeouts    p50 ms    p99 ms",
    ]
    for day in data["by_day"]:
        lines.append(
            f"{day['day']}  {day['executions']:>12,}{day['status']['error']:>10,}"
            f"{day['status']['timeout']:>10,}{_ms(day, 'p50')}{_ms(day, 'p99')}"
        )
    for entry in data["errors"][:SHOWN_OUTPUTS]:
        lines.append(f"error {entry['error']}: {entry['count']:,}")
    for entry in data["outputs"]["values"][:SHOWN_OUTPUTS]:
        lines.append(f"output {entry['value']!r}: {entry['count']:,} ({entry['share']:.1%})")
    if data["malformed_lines"]:
        lines.append(f"{data['malformed_lines']:,} lines of the log are malformed")
    return lines


def _ms(day: dict[str, Any], name: str) -> str:
    value = day["latency_ms"][name]
    return f"{'-':>10}" if value is None else f"{value:>10.3f}"
