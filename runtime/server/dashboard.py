"""The dashboard: one HTML page with its pictures in it, that needs no script and no other file.

It shows what it is given; it reads and counts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from runtime.server.metrics import BUCKETS_MS, EXECUTIONS, Figures

SECONDS_BETWEEN_VIEWS = 10
PERCENTILES = (0.5, 0.95, 0.99)
MAX_SHOWN_TEXT = 160

STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --paper: #f6f7f9; --card: #fff; --line: #d8dde6;
  --soft: #5a6579; --good: #2f6f9f; --bad: #b3362b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --paper: #14181f; --card: #1d232d;
  --line: #343d4b; --soft: #9aa6b8; --good: #6db1e0; --bad: #f0857a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 78rem; background: var(--paper);
  color: var(--ink); font: 0.95rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.2rem; } h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: 0.85rem; margin: 1rem 0 0.3rem; color: var(--soft); font-weight: 600; }
main { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 32rem), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem;
  padding: 1rem; min-width: 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.2rem, 1fr)); gap: 0.5rem;
  margin: 0.8rem 0 0; }
dt { color: var(--soft); font-size: 0.8rem; } dd { margin: 0; font-size: 1.15rem;
  font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: 4.5rem; }
.good { fill: var(--good); } .bad { fill: var(--bad); } .axis { stroke: var(--line); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
th, td { text-align: left; padding: 0.2rem 0.6rem 0.2rem 0; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td { border-top: 1px solid var(--line); }
td.wide { overflow-wrap: anywhere; min-width: 9rem; } .problem { color: var(--bad); }
.quiet, footer { color: var(--soft); font-size: 0.85rem; }
"""


@dataclass(frozen=True)
class TaskView:
    """What is shown of a task: its state as `/health` has it, figures over all workers, the
    successes and failures of each of the last 60 minutes, and its last failures as logged."""

    name: str
    state: dict[str, Any]
    figures: Figures
    minutes: Sequence[tuple[int, int]]
    failures: Sequence[dict[str, Any]]


def dashboard_html(
    views: Sequence[TaskView], version: str, alerts: Sequence[dict[str, Any]] = ()
) -> str:
    """The whole page; `alerts` as `state/alerts.json` lists them."""
    cards = "".join(map(_card, views)) or "<p>There are no tasks here yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loopai runtime</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{SECONDS_BETWEEN_VIEWS}">'
        f"<style>{STYLE}</style></head><body><h1>Loopai runtime</h1>{_alerts(alerts)}"
        f"<main>{cards}</main>"
        f"<footer><p>Release {escape(version)}. Counted since the runtime was started; times are "
        f"UTC. This page renews itself every {SECONDS_BETWEEN_VIEWS} seconds.</p></footer>"
        "</body></html>"
    )


def _alerts(alerts: Sequence[dict[str, Any]]) -> str:
    return "".join(
        f'<p class="problem" role="alert">{escape(alert["level"])}: '
        f"{escape(alert['task'] + ': ' if alert['task'] else '')}{escape(alert['message'])} "
        f"Since {escape(alert['since'][:16].replace('T', ' '))}.</p>"
        for alert in alerts
    )


def percentile_ms(counts: Sequence[float], fraction: float) -> float | None:
    """A percentile of counts per bucket of `BUCKETS_MS`, linear within its bucket; None when
    empty. What lies beyond the last bucket counts as that bucket's bound."""
    wanted = sum(counts) * fraction
    if not wanted:
        return None
    seen, low = 0.0, 0.0
    for bound, count in zip(BUCKETS_MS, counts, strict=False):
        if count and seen + count >= wanted:
            return low + (bound - low) * (wanted - seen) / count
        seen, low = seen + count, bound
    return float(BUCKETS_MS[-1])


def _card(view: TaskView) -> str:
    rows = {key[2:]: cells for key, cells in view.figures.items() if _is_of(key, view.name)}
    buckets = [sum(column) for column in zip(*(cells[:-1] for cells in rows.values()), strict=True)]
    total = int(sum(buckets))
    failed = int(sum(sum(cells[:-1]) for (_, status), cells in rows.items() if status != "success"))
    active = view.state["active_version"]
    facts = [
        ("serving", f"v{active}" if active else "nothing"),
        ("executions", f"{total:,}"),
        ("failed", f"{failed:,} ({failed / total:.2%})" if total else "0"),
        *(
            (f"p{fraction * 100:g}", _ms(percentile_ms(buckets, fraction)))
            for fraction in PERCENTILES
        ),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    problems = "".join(
        f'<p class="problem">{escape(str(view.state[key]))}</p>'
        for key in ("problem", "log_problem")
        if view.state[key]
    )
    return (
        f"<article><h2>{escape(view.name)}</h2>{problems}<dl>{shown}</dl>"
        f"<h3>Executions a minute, last hour</h3>{_minutes_picture(view.minutes)}"
        f"<h3>Latency</h3>{_latency_picture(buckets)}"
        f"<h3>Versions</h3>{_versions_table(rows)}"
        f"<h3>Last failures</h3>{_failures_table(view.failures)}</article>"
    )


def _is_of(key: tuple[str, ...], name: str) -> bool:
    return key[0] == EXECUTIONS and key[1] == name


def _minutes_picture(minutes: Sequence[tuple[int, int]]) -> str:
    most = max((well + badly for well, badly in minutes), default=0)
    bars = []
    for at, (well, badly) in enumerate(minutes):
        high, low = _height(well + badly, most), _height(badly, most)
        if high:
            bars.append(
                f'<rect class="good" x="{at}" y="{60 - high:.1f}" width=".8" height="{high:.1f}"/>'
            )
        if low:
            bars.append(
                f'<rect class="bad" x="{at}" y="{60 - low:.1f}" width=".8" height="{low:.1f}"/>'
            )
    label = f"Executions in each of the last 60 minutes, at most {most:,}"
    return _picture(len(minutes), "".join(bars), label) + f'<p class="quiet">at most {most:,}</p>'


def _latency_picture(buckets: Sequence[float]) -> str:
    used = [at for at, count in enumerate(buckets) if count]
    if not used:
        return '<p class="quiet">nothing yet</p>'
    first, last = used[0], used[-1]
    most = max(buckets)
    bars = "".join(
        f'<rect class="good" x="{at - first}" y="{60 - _height(buckets[at], most):.1f}" width=".9" '
        f'height="{_height(buckets[at], most):.1f}"/>'
        for at in used
    )
    bounds = [*(f"{bound:g} ms" for bound in BUCKETS_MS), "more"]
    low = f"{BUCKETS_MS[first - 1]:g} ms" if first else "0"
    label = f"Executions by latency, from {low} to {bounds[last]}"
    caption = f'<p class="quiet">from {low} to {bounds[last]}, each bar about twice the last</p>'
    return _picture(max(last - first + 1, 8), bars, label) + caption


def _picture(width: int, bars: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} 61" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'{bars}<line class="axis" x1="0" y1="60.5" x2="{width}" y2="60.5"/></svg>'
    )


def _height(count: float, most: float) -> float:
    return max(1.0, 60 * count / most) if count else 0.0


def _versions_table(rows: dict[tuple[str, ...], list[float]]) -> str:
    versions: dict[int, dict[str, float]] = {}
    for (number, status), cells in rows.items():
        versions.setdefault(int(number), {})[status] = sum(cells[:-1])
    if not versions:
        return '<p class="quiet">nothing yet</p>'
    body = "".join(
        f"<tr><td>v{number}</td>"
        + "".join(
            f"<td>{counts.get(status, 0):,.0f}</td>" for status in ("success", "error", "timeout")
        )
        + "</tr>"
        for number, counts in sorted(versions.items(), reverse=True)
    )
    return _table(("version", "success", "error", "timeout"), body)


def _failures_table(failures: Sequence[dict[str, Any]]) -> str:
    if not failures:
        return '<p class="quiet">none lately</p>'
    body = "".join(
        f"<tr><td>{escape(str(line['timestamp'])[:19].replace('T', ' '))}</td>"
        f"<td>v{escape(str(line.get('program_version', '?')))}</td>"
        f'<td class="wide">{escape(_what(line))}</td></tr>'
        for line in failures
    )
    return _table(("when", "version", "what"), body)


def _what(line: dict[str, Any]) -> str:
    error = line.get("error")
    text = f"{error.get('type')}: {error.get('message')}" if isinstance(error, dict) else str(error)
    return text if len(text) <= MAX_SHOWN_TEXT else text[:MAX_SHOWN_TEXT] + "…"


def _table(names: Sequence[str], body: str) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
