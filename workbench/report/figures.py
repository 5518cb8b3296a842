"""Pictures of what was executed, as Plotly figures in plain JSON. Pure.

Colours are names such as `@good` or `@c1`, which the page replaces by those of its colour scheme.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.report.drawing import (
    PALETTE,
    Figure,
    area,
    bars,
    line,
    make_figure,
    per_step,
    share,
    short,
)
from workbench.report.facts import Facts
from workbench.report.series import Series, total

MOST_OUTPUTS = 7
QUANTILES = (("p50", 0.5, "@c3"), ("p95", 0.95, "@c1"), ("p99", 0.99, "@c2"))


def latency(series: Series) -> Figure | None:
    """Percentiles of the programs' running time in ms."""
    moments = series.moments
    if not moments:
        return None
    traces = [
        line(
            moments,
            [round(series.steps[m].latency.quantile(fraction), 4) for m in moments],
            name,
            colour,
            "%{y:.3g} ms",
        )
        for name, fraction, colour in QUANTILES
    ]
    values = [value for trace in traces for value in trace["y"] if value > 0]
    wide = bool(values) and max(values) / min(values) > 30
    axis = {"title": {"text": "ms"}, "rangemode": "tozero"}
    return make_figure(traces, yaxis={**axis, "type": "log", "dtick": 1} if wide else axis)


def traffic(series: Series) -> Figure | None:
    """Executions by how they ended, as many a step as there were."""
    moments = series.moments
    if not moments:
        return None
    traces = []
    for status, colour in (("success", "@good"), ("error", "@bad"), ("timeout", "@c2")):
        counts = [series.steps[moment].status[status] for moment in moments]
        if any(counts):
            traces.append(bars(moments, counts, status, colour, series.seconds))
    return make_figure(traces, barmode="stack", yaxis={"title": {"text": per_step(series.seconds)}})


def outputs(series: Series) -> Figure | None:
    """What was answered: shares of labels over time, or how numbers spread."""
    moments = series.moments
    if series.kind == "numbers":
        return _numbers(series)
    names = series.labels(MOST_OUTPUTS)
    if not names:
        return None
    if len(moments) < 3:
        return _label_bars(series, names)
    sums = {moment: sum(series.steps[moment].outputs.values()) for moment in moments}
    traces = []
    rest = {moment: sums[moment] for moment in moments}
    for place, name in enumerate(names):
        counts = {moment: series.steps[moment].outputs[name] for moment in moments}
        rest = {moment: rest[moment] - counts[moment] for moment in moments}
        shares = [share(counts[m], sums[m]) for m in moments]
        traces.append(area(moments, shares, name, PALETTE[place]))
    if any(rest.values()):
        traces.append(area(moments, [share(rest[m], sums[m]) for m in moments], "others", "@c8"))
    return make_figure(traces, yaxis={"ticksuffix": " %", "range": [0, 100]})


def versions(series: Series) -> Figure | None:
    """Which version answered, in shares over time."""
    moments = series.moments
    numbers = sorted({number for step in series.steps.values() for number in step.versions})
    if not moments or not numbers:
        return None
    sums = {moment: sum(series.steps[moment].versions.values()) for moment in moments}
    traces = []
    for place, number in enumerate(numbers):
        shares = [share(series.steps[m].versions[number], sums[m]) for m in moments]
        if len(moments) < 3:
            colour = PALETTE[place % 6]
            traces.append(bars(moments, shares, f"v{number}", colour, series.seconds))
        else:
            traces.append(area(moments, shares, f"v{number}", PALETTE[place % 6]))
    return make_figure(traces, barmode="stack", yaxis={"ticksuffix": " %", "range": [0, 100]})


def savings(facts: Facts) -> Figure | None:
    """Money saved so far in these days, at the configured price of a call."""
    if facts.savings is None:
        return None
    moments = facts.series.moments
    spent, saved = 0.0, []
    for moment in moments:
        spent += facts.savings.a_call * sum(facts.series.steps[moment].status.values())
        saved.append(round(spent, 6))
    trace = {
        **line(moments, saved, "saved", "@good", "%{y:.4~f} " + facts.savings.currency),
        "fill": "tozeroy",
        "fillcolor": "@good-faint",
    }
    title = {"text": facts.savings.currency}
    return make_figure([trace], yaxis={"title": title, "rangemode": "tozero"})


def _label_bars(series: Series, names: Sequence[str]) -> Figure:
    counts = total(step.outputs for step in series.steps.values())
    whole = sum(counts.values())
    shown = [*names, *(["others"] if counts["others"] and "others" not in names else [])]
    return make_figure(
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": [share(counts[name], whole) for name in shown],
                "y": [short(name, 28) for name in shown],
                "marker": {"color": "@c1"},
                "hovertemplate": "%{y}: %{x:.1f} %<extra></extra>",
            }
        ],
        xaxis={"ticksuffix": " %", "range": [0, 100]},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        hovermode="closest",
        bargap=0.35,
    )


def _numbers(series: Series) -> Figure | None:
    moments = [moment for moment in series.moments if series.steps[moment].numbers.count]
    if not moments:
        return None
    traces = [
        line(
            moments,
            [round(series.steps[m].numbers.quantile(fraction), 6) for m in moments],
            name,
            colour,
            "%{y:.4~g}",
        )
        for name, fraction, colour in (
            ("p10", 0.1, "@c3"),
            ("median", 0.5, "@c1"),
            ("p90", 0.9, "@c2"),
        )
    ]
    return make_figure(traces)
