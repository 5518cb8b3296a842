"""The parts pictures are made of: traces, axes and marks, as Plotly's JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

Figure = dict[str, Any]
PALETTE = ("@c1", "@c2", "@c3", "@c4", "@c5", "@c6", "@c7", "@c8")


def make_figure(traces: list[dict[str, Any]], **layout: Any) -> Figure:
    """Traces with what all pictures share; the page adds fonts, colours and size."""
    legend = len([trace for trace in traces if trace.get("name")]) > 1
    axes: dict[str, Any] = {"xaxis": {}, "yaxis": {}}
    for name in axes:
        axes[name] = {"automargin": True, "zeroline": False, **layout.pop(name, {})}
    return {
        "data": traces,
        "layout": {
            "hovermode": "x unified",
            "showlegend": legend,
            "margin": {"l": 8, "r": 12, "t": 8, "b": 8, "pad": 2},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            **axes,
            **layout,
        },
    }


def line(
    moments: Sequence[datetime], values: Sequence[float], name: str, colour: str, hover: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(moments) > 2 else "lines+markers",
        "name": name,
        "x": [moment_text(moment) for moment in moments],
        "y": list(values),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 7},
        "hovertemplate": hover,
    }


def area(
    moments: Sequence[datetime], shares: Sequence[float], name: str, colour: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "all",
        "name": short(name),
        "x": [moment_text(moment) for moment in moments],
        "y": list(shares),
        "line": {"width": 0.5, "color": colour},
        "fillcolor": colour,
        "hovertemplate": "%{y:.1f} %",
    }


def bars(
    moments: Sequence[datetime], values: Sequence[float], name: str, colour: str, seconds: int
) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": [moment_text(moment) for moment in moments],
        "y": list(values),
        "width": seconds * 900,
        "offset": 0,
        "marker": {"color": colour},
        "hovertemplate": "%{y:.4~g}",
    }


def level_line(value: float, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": line,
    }


def bound_line(value: float, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": value,
        "x1": value,
        "line": line,
    }


def moment_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def share(count: float, whole: float) -> float:
    return round(100 * count / whole, 3) if whole else 0.0


def distance(high: float, low: float) -> float:
    return round(max(0.0, high - low), 3)


def short(name: str, longest: int = 22) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def per_step(seconds: int) -> str:
    names = {
        10: "in 10 s",
        30: "in 30 s",
        60: "a minute",
        300: "in 5 min",
        900: "in 15 min",
        3600: "an hour",
        10_800: "in 3 h",
        21_600: "in 6 h",
        86_400: "a day",
    }
    return names[seconds]
