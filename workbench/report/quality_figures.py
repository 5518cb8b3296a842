"""Pictures of how right a task is: agreement, mix-ups, drift, rollouts. Plotly's JSON; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from runtime.datasets.drift import ALERT, WARNING
from runtime.rollout.rollout import Rollout
from workbench.report.drawing import (
    PALETTE,
    Figure,
    bound_line,
    distance,
    level_line,
    make_figure,
    moment_text,
    share,
    short,
)
from workbench.report.facts import Facts
from workbench.report.series import Series, top_labels

MOST_FEATURES = 10
# Beside the first and the last step of a rollout.
LEAST_ROOM = timedelta(minutes=2)


def accuracy(facts: Facts) -> Figure | None:
    """Agreement with the oracles over time, each estimate with its 95 % interval."""
    traces = []
    for place, (version, shares) in enumerate(facts.series.shares().items()):
        known = [(moment, share) for moment, share in shares if share.value is not None]
        values = [100 * (share.value or 0.0) for _, share in known]
        bounds = [
            (value, share.high, share.low) for value, (_, share) in zip(values, known, strict=True)
        ]
        trace = {
            "type": "scatter",
            "mode": "markers",
            "name": f"v{version}",
            "x": [moment_text(moment) for moment, _ in known],
            "y": [round(value, 2) for value in values],
            "marker": {"color": PALETTE[place % 6], "size": 7},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [distance(100 * high, value) for value, high, _ in bounds],
                "arrayminus": [distance(value, 100 * low) for value, _, low in bounds],
                "color": PALETTE[place % 6],
                "thickness": 1.2,
                "width": 0,
            },
            "text": [f"{share.observed} validated" for _, share in known],
            "hovertemplate": "%{y:.1f} % (%{text})",
        }
        if known:
            traces.append(trace)
    if not traces:
        return None
    return make_figure(
        traces,
        yaxis={"ticksuffix": " %", "range": [0, 103]},
        shapes=[level_line(100 * facts.task.accuracy_target, "@soft")],
    )


def confusion(series: Series) -> Figure | None:
    """What oracles said down, what was answered across, in validated executions."""
    if not series.mixed_up:
        return None
    names = top_labels(series.mixed_up)
    if len(names) < 2:
        return None
    rows = [name for name in names if any(pair[0] == name for pair in series.mixed_up)]
    columns = names
    counts = [[series.mixed_up[row, column] for column in columns] for row in rows]
    return make_figure(
        [
            {
                "type": "heatmap",
                "x": [short(name) for name in columns],
                "y": [short(name) for name in rows],
                "z": [[share(count, sum(row)) for count in row] for row in counts],
                "text": [[str(count) if count else "" for count in row] for row in counts],
                "texttemplate": "%{text}",
                "hovertemplate": "right: %{y}<br>answered: %{x}<br>%{z:.1f} % of the row"
                "<extra></extra>",
                "colorscale": [[0, "@card"], [1, "@deep"]],
                "zmin": 0,
                "zmax": 100,
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
            }
        ],
        xaxis={"title": {"text": "answered"}, "type": "category", "showgrid": False},
        yaxis={
            "title": {"text": "right"},
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
        },
        hovermode="closest",
    )


def drift(measure: Mapping[str, Any] | None) -> Figure | None:
    """How far each feature has moved from the examples (population stability index)."""
    found = list((measure or {}).get("features") or [])[:MOST_FEATURES]
    if not found:
        return None
    colours = {"alert": "@bad", "warning": "@c2", "stable": "@good"}
    values = [feature["drift"] for feature in found]
    return make_figure(
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": values,
                "y": [short(feature["feature"], 28) for feature in found],
                "marker": {"color": [colours.get(f["level"], "@c6") for f in found]},
                "text": [feature["level"] for feature in found],
                "textposition": "none",
                "hovertemplate": "%{y}: %{x:.3f} (%{text})<extra></extra>",
            }
        ],
        xaxis={
            "title": {"text": "population stability index"},
            "range": [0, max(ALERT * 1.3, max(values) * 1.1)],
        },
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "ticklen": 4},
        shapes=[bound_line(WARNING, "@c2"), bound_line(ALERT, "@bad")],
        hovermode="closest",
        bargap=0.35,
    )


def rollout(last: Rollout | None, now: datetime) -> Figure | None:
    """How much of the traffic a rollout gave its candidate, step by step."""
    if last is None or not last.history:
        return None
    steps = [(step.at, step.percent, step.event.replace("_", " ")) for step in last.history]
    if last.live:
        steps.append((max(now, steps[-1][0]), last.percent, "now"))
    room = max((steps[-1][0] - steps[0][0]) * 0.05, LEAST_ROOM)
    return make_figure(
        [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"v{last.candidate}",
                "x": [moment_text(at) for at, _, _ in steps],
                "y": [percent for _, percent, _ in steps],
                "text": [what for _, _, what in steps],
                "hovertemplate": "%{y} %: %{text}<extra></extra>",
                "line": {"shape": "hv", "color": "@c1", "width": 2},
                "marker": {"color": "@c1", "size": 7},
            }
        ],
        xaxis={"range": [moment_text(steps[0][0] - room), moment_text(steps[-1][0] + room)]},
        yaxis={"ticksuffix": " %", "range": [0, 105]},
        hovermode="closest",
    )
