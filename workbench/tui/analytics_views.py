"""The panels of Analytics, each as a text of a given width. Pure: they draw what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from textual.content import Content

from workbench.report.facts import Facts
from workbench.tui import drawing

Part = Content | str | tuple[str, str]
CHART_HEIGHT = 6
MAX_ROWS = 8
LEVEL_STYLES = {"stable": "$success", "warning": "$warning", "alert": "$error"}
NAN = float("nan")


def tiles(facts: Facts) -> list[tuple[str, str, str]]:
    """The figures at the top: name, value, style."""
    figures = facts.figures
    total = figures["executions"]
    failed = total - figures["status"]["success"]
    agreement = figures.get("agreement")
    drift = facts.drift
    level = drift["level"] if drift and drift.get("enough") else "unknown"
    latency = figures["latency_ms"]
    return [
        ("executions", drawing.short_number(total), ""),
        ("failed", drawing.percent(failed / total if total else None), "$error" if failed else ""),
        ("p50 ms", drawing.milliseconds(latency["p50"]), ""),
        ("p99 ms", drawing.milliseconds(latency["p99"]), ""),
        ("agreement", drawing.percent(agreement["value"]) if agreement else "-", ""),
        ("drift", level, LEVEL_STYLES.get(level, "$soft")),
    ]


def throughput(facts: Facts, width: int) -> Content:
    """Executions in each step of time."""
    moments = _all_moments(facts)
    counts = [sum(_status(facts, moment).values()) for moment in moments]
    chart = drawing.column_chart(counts, width=width, height=CHART_HEIGHT, style="$primary")
    peak = facts.figures["throughput"]
    return Content.assemble(
        chart,
        "\n",
        _axis(moments, width),
        (f"\nbusiest second {peak['peak_per_second']:,}", "$soft"),
    )


def latency(facts: Facts, width: int) -> Content:
    """The p99 of each step of time."""
    moments = _all_moments(facts)
    steps = facts.series.steps
    values = [
        steps[moment].latency.quantile(0.99)
        if moment in steps and steps[moment].latency.count
        else NAN
        for moment in moments
    ]
    chart = drawing.column_chart(values, width=width, height=CHART_HEIGHT, style="$accent")
    known = facts.figures["latency_ms"]
    line = "  ".join(
        f"{name} {drawing.milliseconds(known[name])}" for name in ("p50", "p90", "p99", "p99.9")
    )
    return Content.assemble(chart, "\n", _axis(moments, width), (f"\n{line}", "$soft"))


def output_mix(facts: Facts, width: int) -> Content:
    """How often each answer was given."""
    values = facts.figures["outputs"]["values"][:MAX_ROWS]
    if not values:
        numbers = facts.figures["outputs"].get("numbers")
        if not numbers:
            return Content.styled("Answers are objects or all different.", "$soft")
        shown = ("min", "p50", "p90", "p99", "max")
        return Content("\n").join(
            Content.assemble((name.ljust(8), "$soft"), f"{numbers[name]:g}") for name in shown
        )
    longest = min(24, max(len(str(entry["value"])) for entry in values))
    room = max(6, width - longest - 18)
    parts: list[Part] = []
    for entry in values:
        name = str(entry["value"])[:longest].ljust(longest + 1)
        parts += [name, (drawing.bar(entry["share"], room), "$primary")]
        parts += [
            f"{entry['share']:>7.1%}",
            (f"{drawing.short_number(entry['count']):>7}", "$soft"),
        ]
        parts.append("\n")
    return Content.assemble(*parts)


def agreement(facts: Facts, width: int) -> Content:
    """What oracles said of each version, with the interval, beside what was promised."""
    rows = [row for row in facts.versions if row["executions"] or row["agreement"]]
    if not rows:
        return Content.styled("No version has answered yet.", "$soft")
    room = max(10, min(30, width - 44))
    parts: list[Part] = [
        ("version  executions  p99 ms   ", "$soft"),
        ("agreement with oracles\n", "$soft"),
    ]
    for row in rows[:MAX_ROWS]:
        name = f"v{row['version']}"
        style = "bold $success" if row["version"] == facts.active else "bold"
        parts += [(name.ljust(9), style), f"{drawing.short_number(row['executions']):>10}"]
        parts += [f"{drawing.milliseconds(row['p99_ms']):>8}   "]
        told = row["agreement"]
        if told and told["value"] is not None:
            target = facts.task.accuracy_target
            parts += [drawing.gauge(told["value"], told["low"], told["high"], target, room)]
            parts += [f" {told['value']:.1%}\n"]
        else:
            parts += [("nothing judged yet\n", "$soft")]
    return Content.assemble(*parts)


def drift(facts: Facts, width: int) -> Content:
    """How far inputs and outputs are from the examples the program was made from."""
    found = facts.drift
    if not found:
        return Content.styled("Drift is measured once executions have come.", "$soft")
    if not found.get("enough"):
        return Content.styled(
            f"{found['records']:,} executions and {found['reference']:,} examples are too few "
            "to tell drift from chance.",
            "$soft",
        )
    parts: list[Part] = []
    room = max(6, width - 40)
    for feature in found["features"][:MAX_ROWS]:
        style = LEVEL_STYLES[feature["level"]]
        parts += [feature["feature"][:22].ljust(23)]
        parts += [(drawing.bar(min(1.0, feature["drift"] / 0.5), room), style)]
        parts += [f"{feature['drift']:>7.3f} ", (feature["level"], style), "\n"]
    return Content.assemble(*parts)


def failures(facts: Facts, width: int) -> Content:
    """The kinds of failures and how often each came."""
    errors = facts.figures["errors"][:MAX_ROWS]
    if not errors:
        return Content.assemble(("✓ ", "$success"), "No execution failed.")
    parts: list[Part] = []
    for entry in errors:
        parts += [(f"{entry['count']:>8,}  ", "$error"), str(entry["error"])[: width - 12], "\n"]
    return Content.assemble(*parts)


def days(facts: Facts, width: int) -> Content:
    """A line a day."""
    parts: list[Part] = [
        (f"{'day':12}{'executions':>11}{'errors':>8}{'timeouts':>9}{'p99 ms':>8}\n", "$soft")
    ]
    for day in reversed(facts.figures["by_day"][-MAX_ROWS:]):
        status = day["status"]
        parts += [f"{day['day']:12}{drawing.short_number(day['executions']):>11}"]
        parts += [f"{status['error']:>8,}{status['timeout']:>9,}"]
        parts += [f"{drawing.milliseconds(day['latency_ms']['p99']):>8}\n"]
    return Content.assemble(*parts)


def _all_moments(facts: Facts) -> list[datetime]:
    """Every step from the first to the last, quiet ones too."""
    known = facts.series.moments
    if not known:
        return []
    step = timedelta(seconds=facts.series.seconds)
    count = round((known[-1] - known[0]) / step) + 1
    return [known[0] + step * place for place in range(count)]


def _status(facts: Facts, moment: datetime) -> Mapping[str, Any]:
    step = facts.series.steps.get(moment)
    return step.status if step else {}


def _axis(moments: list[datetime], width: int) -> Content:
    if not moments:
        return Content("")
    one_day = moments[0].date() == moments[-1].date()
    shape = "%H:%M" if one_day else "%m-%d %H:%M"
    first, last = (f"{moment:{shape}}" for moment in (moments[0], moments[-1]))
    gap = max(1, width - 9 - len(first) - len(last))
    return Content.styled(" " * 9 + first + " " * gap + last, "$soft")
