"""A chart cell's rows as a Plotly figure that sits well on a light and on a dark page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

#: Colours that part well on white and on near-black, also for those who see few of them
#: (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")


def make_figure(
    chart: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> go.Figure:
    """One trace for each value of `color`, or one."""
    places = {role: columns.index(chart[role]) for role in ("x", "y", "color") if chart.get(role)}
    series: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        series[str(row[places["color"]]) if "color" in places else ""].append(row)
    figure = go.Figure()
    for name, members in series.items():
        figure.add_trace(_trace(chart["kind"], name, members, places))
    figure.update_layout(
        title={"text": _plain(chart.get("title")), "font": {"size": 15}},
        colorway=list(COLOURS),
        showlegend="color" in places,
        xaxis={"title": {"text": _plain(chart["x"])}, "automargin": True},
        yaxis={"title": {"text": _plain(chart.get("y") or "count")}, "automargin": True},
        margin={"l": 50, "r": 16, "t": 44 if chart.get("title") else 16, "b": 44},
        height=340,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.2},
    )
    return figure


def _trace(
    kind: str, name: str, rows: Sequence[Sequence[Any]], places: Mapping[str, int]
) -> go.Bar | go.Scatter | go.Histogram:
    x = [_shown(row[places["x"]]) for row in rows]
    if kind == "histogram":
        return go.Histogram(x=x, name=_plain(name))
    y = [row[places["y"]] for row in rows]
    if kind == "bar":
        return go.Bar(x=x, y=y, name=_plain(name))
    mode = "lines" if kind == "line" else "markers"
    return go.Scatter(x=x, y=y, mode=mode, name=_plain(name))


def _shown(value: Any) -> Any:
    return _plain(value) if isinstance(value, str | bool) else value


def _plain(value: Any) -> str:
    """Text as it stands: Plotly reads a few tags, and data is no markup."""
    return "" if value is None else str(value).replace("&", "&amp;").replace("<", "&lt;")
