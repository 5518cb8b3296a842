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
SHOWN_DRIFT = 5
VERSION_COLUMNS = ("version", "executions", "errors", "timeouts", "p50 ms", "p99 ms", "agreement")

by_option = click.option(
    "--by", type=click.Choice(["day", "version"]), default="day", show_default=True
)


@click.command("stats", help="Latency, throughput, errors and outputs of a task.")
@click.argument("task")
@click.option("--days", default=7, show_default=True, type=click.IntRange(min=1))
@by_option
@data_dir_option
@json_option
def command(task: str, days: int, by: str, data_dir: DataDir, as_json: bool) -> None:
    from runtime.datasets.rollup import days_with_executions, stats

    load_task(data_dir, task, with_examples=False)
    first = utc_now().date() - timedelta(days=days - 1)
    wanted = [day for day in days_with_executions(data_dir, task) if day >= first]
    data = stats(data_dir, task, wanted)
    if as_json:
        print_json(data)
    else:
        click.echo("\n".join(describe(data, by)))


def describe(data: dict[str, Any], by: str = "day") -> list[str]:
    """The figures as lines of text, with a table of the days or of the versions."""
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
        *(_by_version(data) if by == "version" else _by_day(data)),
    ]
    if "agreement" in data:
        lines.append(f"agreement with the oracle: {agreement_text(data['agreement'])}")
    lines += drift_lines(data)
    for entry in data["errors"][:SHOWN_OUTPUTS]:
        lines.append(f"error {entry['error']}: {entry['count']:,}")
    for entry in data["outputs"]["values"][:SHOWN_OUTPUTS]:
        lines.append(f"output {entry['value']!r}: {entry['count']:,} ({entry['share']:.1%})")
    if data["malformed_lines"]:
        lines.append(f"{data['malformed_lines']:,} lines of the log are malformed")
    return lines


def version_rows(data: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A row for each version, in the order of `VERSION_COLUMNS`."""
    return [
        (
            f"v{name}",
            version["executions"],
            version["status"]["error"],
            version["status"]["timeout"],
            version["latency_ms"]["p50"],
            version["latency_ms"]["p99"],
            agreement_text(version.get("agreement")),
        )
        for name, version in data["versions"].items()
    ]


def agreement_text(agreement: dict[str, Any] | None) -> str:
    """Agreement with its 95 % interval and what it rests on."""
    if not agreement or agreement["value"] is None:
        return "not known"
    low, high = agreement["low"], agreement["high"]
    return f"{agreement['value']:.1%} ({low:.1%} to {high:.1%}, {agreement['observed']:,} judged)"


def drift_lines(data: dict[str, Any]) -> list[str]:
    """What has moved from the examples, of the last day that can say so."""
    judged = [day for day in data["by_day"] if (day.get("drift") or {}).get("enough")]
    if not judged:
        return []
    day = judged[-1]
    moved = [feature for feature in day["drift"]["features"] if feature["level"] != "stable"]
    if not moved:
        return [f"drift from the examples on {day['day']}: none"]
    return [
        f"drift from the examples on {day['day']}: {feature['feature']} "
        f"({feature['level']}, PSI {feature['psi']:.2f}, Jensen-Shannon {feature['js']:.2f})"
        for feature in moved[:SHOWN_DRIFT]
    ]


def _by_day(data: dict[str, Any]) -> list[str]:
    lines = ["day           executions    errors  timeouts    p50 ms    p99 ms"]
    for day in data["by_day"]:
        lines.append(
            f"{day['day']}  {day['executions']:>12,}{day['status']['error']:>10,}"
            f"{day['status']['timeout']:>10,}{_ms(day, 'p50')}{_ms(day, 'p99')}"
        )
    return lines


def _by_version(data: dict[str, Any]) -> list[str]:
    lines = ["version       executions    errors  timeouts    p50 ms    p99 ms  agreement"]
    for (name, *_, agreement), version in zip(
        version_rows(data), data["versions"].values(), strict=True
    ):
        lines.append(
            f"{name:10}  {version['executions']:>12,}{version['status']['error']:>10,}"
            f"{version['status']['timeout']:>10,}{_ms(version, 'p50')}{_ms(version, 'p99')}"
            f"  {agreement}"
        )
    return lines


def _ms(day: dict[str, Any], name: str) -> str:
    value = day["latency_ms"][name]
    return f"{'-':>10}" if value is None else f"{value:>10.3f}"
