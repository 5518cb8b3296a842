"""A rollout as text: its stages, what each metric's evidence says as a bar, and every step.

It prints what the rollout holds and works nothing out itself.
"""

from __future__ import annotations

import math
from typing import Any

from rich.text import Text

from runtime.clock import utc_now
from runtime.data_dir import DataDir
from runtime.rollout.rollout import Rollout, Step
from runtime.steward.report import is_silent, read_report
from workbench.console import out, print_table

#: Characters of a bar to either side of its middle, at most, and of what stands beside it.
MOST_HALF = 20
BESIDE = 54
NAMES = {
    "errors": "errors",
    "timeouts": "timeouts",
    "slow": "slow",
    "disagreement": "disagreement",
}
STYLES = {
    "running": "cyan",
    "paused": "yellow",
    "promoting": "cyan",
    "promoted": "green",
    "rolled_back": "red",
    "failed": "red",
}


def print_rollout(rollout: Rollout) -> None:
    """Everything about a rollout, for a terminal."""
    state = rollout.state.replace("_", " ")
    out.print(
        Text.assemble(
            (f"{rollout.task}  v{rollout.baseline} -> v{rollout.candidate}  ", "bold"),
            (state, STYLES.get(rollout.state, "")),
        )
    )
    out.print(_stages(rollout))
    out.print(Text(rollout.reason))
    if rollout.deadline_at is not None:
        left = (rollout.deadline_at - utc_now()).total_seconds()
        out.print(Text(f"The stage's deadline is {_span(left)}.", style="dim"))
    elif rollout.state == "paused":
        out.print(
            Text(f"Go on with: loopai rollout resume|skip|retry|abort {rollout.task}", style="dim")
        )
    figures = rollout.evidence
    if figures:
        if rollout.state == "running" and "reason" in figures:
            out.print(Text(f"Now: {figures['reason']}"))
        out.print()
        print_evidence(figures)
    out.print()
    print_table(
        ("at (UTC)", "step", "outcome", "by", "share", "why"),
        [_step(step) for step in rollout.history],
    )


def print_whether_watched(data_dir: DataDir) -> None:
    """A warning where no steward is at work, for it takes every step."""
    report = read_report(data_dir)
    if report is None or is_silent(report, utc_now()):
        out.print(
            "Nothing is counted or decided now: no steward is running. It runs beside the "
            "workers of `loopai-runtime start`.",
            style="yellow",
            markup=False,
        )


def print_evidence(figures: dict[str, Any]) -> None:
    """What both versions did, and the interval of each difference as a bar."""
    half = max(8, min(MOST_HALF, (out.width - BESIDE) // 2))
    counts, p99 = figures["executions"], figures["p99_ms"]
    for name in ("baseline", "candidate"):
        slow = f", p99 {p99[name]:.3g} ms" if p99[name] is not None else ""
        out.print(Text(f"{name:<10}{counts[name]:>10,} executions{slow}"))
    limit = figures["slow_limit_ms"]
    if limit is not None:
        out.print(Text(f"slow: longer than {limit:.3g} ms", style="dim"))
    out.print()
    out.print(Text(f"{'':13}{'baseline':>9}{'candidate':>10}  {_scale(half)}"))
    for metric, known in figures["metrics"].items():
        line = Text(f"{NAMES.get(metric, metric):<13}")
        line.append(f"{_share(known['baseline']):>9}{_share(known['candidate']):>10}  ")
        line.append_text(_bar(known, half))
        lower, upper = known["difference"]["lower"], known["difference"]["upper"]
        line.append(f"  {_points(lower)} to {_points(upper)}")
        out.print(line)
    out.print(
        Text(
            "Bars: candidate less baseline, in points. Wholly right of │ (no difference; slow: 1 "
            "point):\nworse. Wholly left of ┊ (the margin): may go on.",
            style="dim",
        )
    )


def _stages(rollout: Rollout) -> Text:
    text = Text()
    for index, percent in enumerate(rollout.config.stages):
        if index:
            text.append(" ── ", style="dim")
        if rollout.state == "promoted" or (rollout.live and index < rollout.stage):
            text.append(f"✓ {percent} %", style="green")
        elif rollout.live and index == rollout.stage:
            text.append(f"● {percent} %", style="bold cyan")
        elif index == rollout.stage:
            text.append(f"✗ {percent} %", style="red")
        elif index < rollout.stage:
            text.append(f"✓ {percent} %", style="dim")
        else:
            text.append(f"○ {percent} %", style="dim")
    return text


def _place(difference: float, half: int) -> int:
    """Where a difference stands on a bar: fine near nothing, coarse far from it."""
    share = math.copysign(math.log1p(abs(difference) / 0.005) / math.log1p(200), difference)
    return half + round(half * max(-1.0, min(1.0, share)))


def _scale(half: int) -> str:
    marks = [" "] * (2 * half + 1)
    for difference, text in ((-0.1, "-10"), (-0.01, "-1"), (0.0, "0"), (0.01, "+1"), (0.1, "+10")):
        start = _place(difference, half) - len(text) // 2
        marks[start : start + len(text)] = text
    return "".join(marks)


def _bar(known: dict[str, Any], half: int) -> Text:
    lower, upper = known["difference"]["lower"], known["difference"]["upper"]
    if lower >= known["tolerance"]:
        style = "red"
    elif upper <= known["margin"]:
        style = "green"
    else:
        style = "yellow"
    start, end = _place(lower, half), _place(upper, half)
    marks = {_place(known["margin"], half): "┊", _place(known["tolerance"], half): "│"}
    bar = [
        ("┿" if place in marks else "━") if start <= place <= end else marks.get(place, "·")
        for place in range(2 * half + 1)
    ]
    return Text.assemble(
        ("".join(bar[:start]), "dim"),
        ("".join(bar[start : end + 1]), style),
        ("".join(bar[end + 1 :]), "dim"),
    )


def _step(step: Step) -> tuple[Any, ...]:
    return (
        step.at.strftime("%Y-%m-%d %H:%M:%S"),
        Text(step.event.replace("_", " "), style=STYLES.get(step.event, "")),
        step.outcome,
        step.by,
        f"{step.percent} %",
        step.reason,
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _points(share: float) -> str:
    return f"{share * 100:+.3g}"


def _span(seconds: float) -> str:
    if seconds <= 0:
        return "now"
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = round(seconds / size)
            return f"in {count} {name}{'s' if count != 1 else ''}"
    return "now"
