"""A chart as characters: bars drawn here, lines, points and histograms by plotext."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import plotext
from rich.text import Text

from workbench.console import show

HEIGHT = 15
MAX_BARS = 40
#: Seen as well on white as on black.
BAR = "#4c8dd6"
EIGHTHS = " ▏▎▍▌▋▊▉"
COLOURS = ("blue", "orange", "green", "magenta", "red", "cyan")

# plotext draws on one figure for the whole process.
_drawing = threading.Lock()


def draw_chart(
    chart: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int
) -> Text:
    """The chart in at most `width` columns of text."""
    if not rows:
        return Text("no rows to draw", style="dim")
    places = {role: columns.index(chart[role]) for role in ("x", "y", "color") if chart.get(role)}
    if chart["kind"] == "bar":
        return _bars(rows, places, width)
    return _plot(chart["kind"], rows, places, width)


def _bars(rows: Sequence[Sequence[Any]], places: Mapping[str, int], width: int) -> Text:
    named = [role for role in ("x", "color") if role in places]
    shown = [(" ".join(str(row[places[r]]) for r in named), row[places["y"]]) for row in rows]
    labels = [label[: width // 3] for label, _ in shown[:MAX_BARS]]
    values = [float(v) if isinstance(v, int | float) else 0.0 for _, v in shown[:MAX_BARS]]
    figures = [show(value).plain for _, value in shown[:MAX_BARS]]
    wide, most = max(map(len, labels)), max(*values, 0.0) or 1.0
    room = max(width - wide - max(map(len, figures)) - 3, 8)
    text = Text(no_wrap=True)
    for label, value, figure in zip(labels, values, figures, strict=True):
        full, part = divmod(round(max(value, 0.0) / most * room * 8), 8)
        bar = "█" * full + (EIGHTHS[part] if part else "")
        text.append(f"{label:<{wide}} ")
        text.append(bar, style=BAR)
        text.append(f" {figure}\n")
    if len(rows) > MAX_BARS:
        text.append(f"and {len(rows) - MAX_BARS:,} more\n", style="dim")
    text.rstrip()
    return text


def _plot(kind: str, rows: Sequence[Sequence[Any]], places: Mapping[str, int], width: int) -> Text:
    series: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        series[str(row[places["color"]]) if "color" in places else ""].append(row)
    xs = [row[places["x"]] for row in rows]
    moments = [_seconds(x) for x in xs]
    by_time = all(moment is not None for moment in moments)
    names = sorted({str(x) for x in xs}) if not by_time and not all(map(_is_number, xs)) else []

    def place(x: Any) -> float:
        if by_time:
            return _seconds(x) or 0.0
        return float(names.index(str(x))) if names else float(x)

    with _drawing:
        plotext.clear_figure()
        plotext.limit_size(False, False)
        plotext.theme("clear")
        plotext.plotsize(max(width, 30), HEIGHT)
        for (name, members), colour in zip(series.items(), COLOURS * len(series), strict=False):
            options = {"color": colour, "label": name or None}
            at = [place(row[places["x"]]) for row in members]
            if kind == "histogram":
                plotext.hist(at, bins=min(30, len(set(at)) + 1), **options)
                continue
            heights = [float(row[places["y"]] or 0) for row in members]
            draw = plotext.plot if kind == "line" else plotext.scatter
            draw(at, heights, marker="braille" if kind == "line" else "dot", **options)
        ticks = _ticks(xs, place, by_time, names)
        if ticks and kind != "histogram":
            plotext.xticks(*ticks)
        return Text.from_ansi(plotext.build().rstrip(), no_wrap=True)


def _ticks(
    xs: Sequence[Any], place: Any, by_time: bool, names: Sequence[str]
) -> tuple[list[float], list[str]] | None:
    """Marks for an axis of names or moments; numbers have their own."""
    if names:
        step = max(1, len(names) // 8)
        return [float(i) for i in range(0, len(names), step)], list(names[::step])
    if by_time:
        ordered = sorted(set(xs), key=place)
        step = max(1, len(ordered) // 5)
        return [place(x) for x in ordered[::step]], [str(x)[:16] for x in ordered[::step]]
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
