"""One task in words and figures, for the side of the tasks' table. Pure."""

from __future__ import annotations

from typing import Any

from textual.content import Content

from workbench.overview import TaskOverview, Traffic, warnings_of
from workbench.tui import drawing

Part = Content | str | tuple[str, str]
MAX_NAMES = 6


def task_details(
    item: TaskOverview, traffic: Traffic | None, *, width: int, served: str | None
) -> Content:
    """Everything of note about a task, `width` letters wide."""
    if item.task is None:
        return Content.assemble(
            ("This task cannot be read.\n\n", "bold $error"),
            item.problem or "",
            ("\n\nMend the file; it is read again by itself.", "$soft"),
        )
    parts: list[Part] = [" ".join(item.task.description.split()), "\n\n"]
    for warning in warnings_of(item, traffic):
        parts += [("▲ ", "$warning"), warning, "\n"]
    if warnings_of(item, traffic):
        parts.append("\n")
    parts += _line("input", _schema_words(item.task.input_schema))
    parts += _line("output", _schema_words(item.task.output_schema))
    parts += _line("examples", f"{item.examples:,}")
    parts += _accuracy(item, width)
    parts += _traffic(traffic)
    if served:
        parts += ["\n", ("● served ", "$success"), (served, "bold"), "\n"]
    parts += ["\n", ("next  ", "$soft"), _next_step(item, served)]
    return Content.assemble(*parts)


def _accuracy(item: TaskOverview, width: int) -> list[Part]:
    shown = item.active or item.newest
    if shown is None or item.accuracy is None or item.task is None:
        return []
    low, high = item.evaluation["interval"]
    target = item.task.accuracy_target
    what = "serves" if item.active else "newest"
    parts: list[Part] = ["\n"]
    parts += _line(what, f"v{shown}, judged by {item.evaluation['method']}")
    parts += _line("accuracy", f"{item.accuracy:.1%}  ({low:.1%} to {high:.1%})")
    room = min(44, width - 18)
    parts += ["          ", drawing.gauge(item.accuracy, low, high, target, room)]
    parts += [(f" ┃ {target:.0%}\n", "$soft")]
    worst = item.evaluation.get("worst_class")
    if worst:
        recall = item.evaluation["classes"][worst]["recall"]
        parts += _line("weakest", f"{worst}, {recall:.1%} of its examples right")
    latency = item.evaluation.get("latency_ms", {})
    parts += _line("latency", f"p99 {drawing.milliseconds(latency.get('p99'))} ms")
    return parts


def _traffic(traffic: Traffic | None) -> list[Part]:
    if traffic is None or not traffic.counted or not traffic.executions:
        return []
    parts: list[Part] = ["\n"]
    failed = f", {traffic.failed:,} failed" if traffic.failed else ""
    p99 = drawing.milliseconds(traffic.p99_ms)
    parts += _line("today", f"{traffic.executions:,} executions{failed}, p99 {p99} ms")
    parts += ["          ", (drawing.sparkline(traffic.per_hour), "$primary")]
    parts += [("  00 to 23 h, UTC\n", "$soft")]
    return parts


def _next_step(item: TaskOverview, served: str | None) -> Content:
    if not item.examples and not item.versions:
        return Content.assemble("write examples in the notebook: ", ("2", "bold $accent"))
    if not item.versions:
        return Content.assemble(("s", "bold $accent"), " makes a program from the examples")
    if item.active is None:
        return Content.assemble(
            ("p", "bold $accent"), f" promotes v{item.newest}, ", ("t", "bold $accent"), " tries it"
        )
    if not served:
        return Content.assemble(
            ("r", "bold $accent"), " serves it here, ", ("5", "bold $accent"), " compares versions"
        )
    return Content.assemble(
        ("3", "bold $accent"), " shows the executions, ", ("4", "bold $accent"), " the figures"
    )


def _line(name: str, text: str) -> list[Part]:
    return [(name.ljust(10), "$soft"), text, "\n"]


def _schema_words(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words: names with types, or the classes."""
    if "enum" in schema:
        shown = ", ".join(str(value) for value in schema["enum"][:MAX_NAMES])
        more = len(schema["enum"]) - MAX_NAMES
        return f"one of {shown}" + (f" and {more} more" if more > 0 else "")
    properties = schema.get("properties")
    if isinstance(properties, dict) and properties:
        words = [f"{name} ({_type(inner)})" for name, inner in list(properties.items())[:MAX_NAMES]]
        more = len(properties) - MAX_NAMES
        return ", ".join(words) + (f" and {more} more" if more > 0 else "")
    return _type(schema)


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "anything"
    if "enum" in schema:
        return "choice"
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
