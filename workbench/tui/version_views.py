"""One version, a history, a rollout, in words and figures for the Versions screen. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from textual.content import Content

from runtime.rollout.rollout import Rollout
from workbench.tui import drawing

Part = Content | str | tuple[str, str]
MAX_FAILURES = 8
INTERVAL_WIDTH = 31
MAX_CELL = 24
STATE_STYLES = {
    "running": "$primary",
    "promoting": "$primary",
    "paused": "$warning",
    "promoted": "$success",
    "rolled_back": "$error",
    "failed": "$error",
}


def evaluation_view(metadata: Mapping[str, Any], target: float, width: int) -> Content:
    """How well a version did when it was judged, by class, and what it got wrong."""
    report = metadata["evaluation"]
    parts: list[Part] = []
    if report.get("accuracy") is not None:
        low, high = report["interval"]
        gauge = drawing.gauge(report["accuracy"], low, high, target, min(44, width - 30))
        parts += [("accuracy  ", "$soft"), (f"{report['accuracy']:.1%}  ", "bold"), gauge]
        parts += [(f" ┃ target {target:.0%}\n", "$soft")]
        parts += [("judged    ", "$soft"), f"{report['method']} on {report['examples']} examples\n"]
    parts += [("made by   ", "$soft"), metadata["artifact"]["synthesis_strategy"]]
    label = metadata["provenance"].get("label")
    parts += [f", {label}\n" if label else "\n"]
    if explanation := report.get("explanation"):
        parts += ["\n", explanation, "\n"]
    for name, figures in (report.get("classes") or {}).items():
        if name == next(iter(report["classes"])):
            parts += [("\nclass".ljust(25), "$soft"), ("examples  precision    recall\n", "$soft")]
        parts += [f"{name[:23]:24}{figures['support']:>8}{figures['precision']:>11.1%}"]
        parts += [f"{figures['recall']:>10.1%}  "]
        parts += [(drawing.bar(figures["recall"], 16), "$primary"), "\n"]
    failures = report.get("failures") or ()
    if failures:
        parts += [("\nwhat it got wrong, for example\n", "$soft")]
    for failure in failures[:MAX_FAILURES]:
        got = failure.get("got", failure.get("error"))
        expected, answer = _short(failure["expected"], 30), _short(got, 30)
        room = width - len(expected) - len(answer) - 24
        parts += [("expected ", "$soft"), expected, (" got ", "$soft"), (answer, "$error")]
        parts += [("  from ", "$soft"), _short(failure["input"], room), "\n"]
    notes = metadata["provenance"].get("notes") or ()
    if notes:
        parts += [("\nhow it decides\n", "$soft"), *(f"· {note}\n" for note in notes)]
    return Content.assemble(*parts)


def history_view(history: Sequence[Mapping[str, Any]]) -> Content:
    """Promotions and roll-backs, the newest first."""
    if not history:
        return Content.styled("Nothing was promoted yet.", "$soft")
    parts: list[Part] = []
    for event in reversed(history):
        word = str(event["event"]).replace("_", " ")
        style = "$error" if event["event"] == "rolled_back" else "$success"
        parts += [(f"{event['at'][:19].replace('T', ' ')}  ", "$soft")]
        parts += [(word.ljust(12), style), f"v{event['version']}  {event['reason']}\n"]
    return Content.assemble(*parts)


def behaviour_view(data: Mapping[str, Any], old: int, new: int, width: int) -> Content:
    """Which of the task's examples two versions answer differently, and which of the log."""
    behaviour = data["behaviour"]
    changed = behaviour["changed"]
    parts: list[Part] = [
        (f"{len(changed):,}", "bold"),
        f" of {behaviour['examples']:,} examples are answered differently: ",
        (f"{behaviour['won']:,} become right", "$success"),
        ", ",
        (f"{behaviour['lost']:,} become wrong", "$error"),
        ".\n",
    ]
    rows = []
    for row in changed:
        was, now = (
            "$success" if row[side] == row["expected"] else "$error" for side in ("old", "new")
        )
        cells = [(str(row["row"]), "$soft"), (row["old"], was), (row["new"], now)]
        rows.append([*cells, (row["expected"], ""), (row["input"], "")])
    parts += _table(("row", f"v{old}", f"v{new}", "expected", "input"), rows, width)
    logged = data.get("logged")
    if logged and logged["executions"]:
        parts += ["\n", (f"{len(logged['changed']):,}", "bold")]
        parts += [f" of the {logged['executions']:,} newest executions would be.\n"]
        rows = [
            [
                (row["timestamp"][5:19].replace("T", " "), "$soft"),
                (row["old"], ""),
                (row["new"], ""),
                (row["input"], ""),
            ]
            for row in logged["changed"]
        ]
        parts += _table(("time", f"v{old}", f"v{new}", "input"), rows, width)
    return Content.assemble(*parts)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[tuple[Any, str]]], width: int
) -> list[Part]:
    """Rows of values with their styles; the last column gets the room that is left."""
    if not rows:
        return []
    texts = [[_short(value, MAX_CELL) for value, _ in row[:-1]] for row in rows]
    widths = [
        max(len(name), *(len(row[place]) for row in texts))
        for place, name in enumerate(columns[:-1])
    ]
    room = max(20, width - sum(widths) - 2 * len(widths))
    titles = [name.ljust(size) for name, size in zip(columns, widths, strict=False)]
    parts: list[Part] = [("\n" + "  ".join([*titles, columns[-1]]) + "\n", "$soft")]
    for row, cells in zip(rows, texts, strict=True):
        for text, size, (_, style) in zip(cells, widths, row, strict=False):
            parts.append((f"{text.ljust(size)}  ", style))
        parts += [(_short(row[-1][0], room), row[-1][1]), "\n"]
    return parts


def rollout_view(rollout: Rollout | None, width: int, moment: datetime) -> Content:
    """How far a staged promotion is, what its arms show, and all that happened, with reasons."""
    if rollout is None:
        return Content.assemble(
            "No version was ever promoted in stages.\n\n",
            ("p", "bold $accent"),
            " promotes the highlighted version, at once or in stages: a part of the callers gets "
            "it first, and it goes back by itself when it is worse.",
        )
    style = STATE_STYLES.get(rollout.state, "$soft")
    parts: list[Part] = [
        (rollout.state.replace("_", " "), f"bold {style}"),
        f"   v{rollout.baseline} → v{rollout.candidate}   ",
        *_stages(rollout),
        "\n",
        (rollout.reason, "italic"),
        "\n",
    ]
    if rollout.live and rollout.deadline_at is not None:
        left = max(0.0, (rollout.deadline_at - moment).total_seconds())
        parts += [("this stage ends at the latest in ", "$soft"), drawing.duration(left), "\n"]
    if rollout.evidence:
        parts += _evidence(rollout.evidence, width)
    parts += [("\nwhat happened\n", "$soft")]
    for step in reversed(rollout.history):
        parts += [(f"{step.at:%m-%d %H:%M:%S}  ", "$soft"), f"{step.percent:>3} %  "]
        parts += [step.event.ljust(12), (f" {step.by}: ", "$soft"), step.reason, "\n"]
    return Content.assemble(*parts)


def _stages(rollout: Rollout) -> list[Part]:
    parts: list[Part] = []
    for number, percent in enumerate(rollout.config.stages):
        done = number < rollout.stage or rollout.state == "promoted"
        now = number == rollout.stage and rollout.live
        style = "$success" if done else "bold $primary" if now else "$soft"
        parts += [(f"{'✓' if done else '●' if now else '○'} {percent} %", style)]
        parts += [("  ", "")]
    return parts


def _evidence(evidence: Mapping[str, Any], width: int) -> list[Part]:
    """A line a metric: both arms, and the interval of their difference round zero."""
    seen = evidence["executions"]
    parts: list[Part] = [
        ("\nexecutions   ", "$soft"),
        f"{seen['baseline']:,} of the old, {seen['candidate']:,} of the new\n",
        ("p99          ", "$soft"),
        f"{drawing.milliseconds(evidence['p99_ms']['baseline'])} ms and "
        f"{drawing.milliseconds(evidence['p99_ms']['candidate'])} ms\n",
        ("\nmetric              old      new   difference in points\n", "$soft"),
    ]
    room = min(INTERVAL_WIDTH, max(11, width - 60))
    for name, known in evidence["metrics"].items():
        difference = known["difference"]
        low, high = difference["lower"], difference["upper"]
        parts += [f"{name:14}{drawing.percent(known['baseline']):>9}"]
        parts += [f"{drawing.percent(known['candidate']):>9}   "]
        parts += [_around_zero(low, high, known["margin"], room)]
        parts += [(f"  {low * 100:+.1f} to {high * 100:+.1f}\n", "$soft")]
    return parts


def _around_zero(low: float, high: float, margin: float, width: int) -> Content:
    """An interval on a scale of four margins each way; beyond it, an arrow."""
    span = 4 * margin
    middle = width // 2

    def place(value: float) -> int:
        return max(0, min(width - 1, middle + round(value / span * middle)))

    style = "$error" if low > 0 else "$success" if high < margin else "$warning"
    letters, styles = ["─"] * width, ["$border"] * width
    for column in range(place(low), place(high) + 1):
        letters[column], styles[column] = "━", style
    letters[middle], styles[middle] = "┼", "$foreground"
    letters[place(margin)], styles[place(margin)] = "┃", "$foreground"
    if low < -span:
        letters[0] = "◀"
    if high > span:
        letters[-1] = "▶"
    return Content.assemble(*zip(letters, styles, strict=True))


def _short(value: Any, width: int) -> str:
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    text = " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"
