"""The page: facts in words and tables, and a place for each picture, which `page.js` draws.

Everything a person wrote is escaped; the page needs nothing from any network.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from runtime.clock import format_time
from runtime.rollout.rollout import Rollout
from runtime.sampling.estimate import ShareSums
from workbench.report import figures, quality_figures
from workbench.report.drawing import Figure, per_step
from workbench.report.facts import Facts
from workbench.report.formats import days, drift_level, empty, interval, money, ms, percent, when
from workbench.report.sentences import (
    accuracy_words,
    confusion_words,
    drift_words,
    if_any,
    outputs_words,
    rollout_words,
    savings_words,
)

ASSETS = Path(__file__).parent
MOST_STEPS = 12
MOST_VERSIONS = 12


@dataclass(frozen=True, slots=True)
class Section:
    """One card: `words` is HTML above the picture, `after` HTML below it."""

    name: str
    title: str
    words: str
    figure: Figure | None
    after: str = ""
    wide: bool = False


def sections(facts: Facts) -> list[Section]:
    """Every card of a report, in order; one with nothing to show says how to get something."""
    series = facts.series
    return [
        Section("facts", "", _key_figures(facts), None, wide=True),
        Section(
            "traffic",
            "Executions",
            if_any(facts, f"How many {per_step(series.seconds)}, by how they ended (UTC)."),
            figures.traffic(series),
        ),
        Section(
            "latency",
            "Latency over time",
            if_any(
                facts, "Running time of the program in the sandbox: half, 95 % and 99 % are faster."
            ),
            figures.latency(series),
        ),
        Section("outputs", "What was answered", outputs_words(facts), figures.outputs(series)),
        Section("accuracy", "Accuracy", accuracy_words(facts), quality_figures.accuracy(facts)),
        Section("confusion", "Mix-ups", confusion_words(facts), quality_figures.confusion(series)),
        Section("drift", "Drift", drift_words(facts), quality_figures.drift(facts.drift)),
        Section(
            "versions",
            "Versions",
            if_any(facts, "Which version answered, in shares."),
            figures.versions(series),
            _versions_table(facts),
        ),
        Section(
            "rollout",
            "Rollouts",
            rollout_words(facts),
            quality_figures.rollout(facts.rollouts[0] if facts.rollouts else None, facts.made_at),
            _rollout_table(facts.rollouts),
        ),
        Section("savings", "Cost saved", savings_words(facts), figures.savings(facts), wide=True),
    ]


def report_html(facts: Facts, plotly_js: str) -> str:
    """The whole page in one text, Plotly's script included."""
    shown = sections(facts)
    data = {section.name: section.figure for section in shown if section.figure}
    title = f"{facts.task.name}: the last {days(facts.days)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<style>{asset('page.css')}</style></head><body>"
        f"<header><h1>{escape(facts.task.name)}</h1><p>{escape(headline(facts))}</p></header>"
        f"<main>{cards(shown)}</main>"
        f"<footer><p>Made {when(format_time(facts.made_at))} UTC from the last "
        f"{days(facts.days)} of the log. This file needs no network.</p></footer>"
        f"<script>{plotly_js}</script><script>{asset('page.js')}</script>"
        f"<script>drawAll({for_script(data)});</script></body></html>"
    )


def cards(shown: Sequence[Section]) -> str:
    """The sections as HTML."""
    return "".join(_card(section) for section in shown)


def for_script(value: Any) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def asset(name: str) -> str:
    """A file that stands beside this one."""
    return (ASSETS / name).read_text("utf-8")


def _card(section: Section) -> str:
    heading = f"<h2>{escape(section.title)}</h2>" if section.title else ""
    picture = (
        f'<div class="picture" id="picture-{section.name}" role="img" '
        f'aria-label="{escape(section.title)}"></div>'
        if section.figure
        else ""
    )
    kind = "wide" if section.wide else ""
    return (
        f'<section id="{section.name}" class="{kind}">{heading}'
        f"{section.words}{picture}{section.after}</section>"
    )


def headline(facts: Facts) -> str:
    """What the task is, in its own words."""
    return " ".join(facts.task.description.split())


def _key_figures(facts: Facts) -> str:
    stats = facts.figures
    total, status = stats["executions"], stats["status"]
    failed = status.get("error", 0) + status.get("timeout", 0)
    latency = stats["latency_ms"]
    active = facts.series.versions.get(facts.active or 0)
    share = active.share() if active else None
    rows = [
        ("serving", f"v{facts.active}" if facts.active else "nothing", ""),
        ("executions", f"{total:,}", f"in {days(facts.days)}"),
        ("failed", f"{failed / total:.2%}" if total else "–", f"{failed:,} of them"),
        ("half are faster than", ms(latency["p50"]), ""),
        ("99 % are faster than", ms(latency["p99"]), ""),
        (
            "accuracy",
            percent(share),
            f"{interval(share)}" if share and share.value is not None else "nothing validated",
        ),
        ("drift", drift_level(facts), "of inputs and outputs"),
    ]
    if facts.savings:
        saved = facts.savings.model - facts.savings.oracles
        rows.append(("saved", money(saved, facts.savings.currency), "against calling a model"))
    troubles = "".join(
        f'<p class="trouble" role="alert"><b>{escape(level)}</b> {escape(text)}</p>'
        for level, text in facts.troubles
    )
    figures_shown = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for name, value, more in rows
    )
    return f"{troubles}<dl>{figures_shown}</dl>"


def _versions_table(facts: Facts) -> str:
    rows = [
        (
            f"v{row['version']}",
            row["status"],
            row["strategy"],
            f"{row['executions']:,}",
            "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
            _agreement(facts, row["version"]),
            ms(row["p99_ms"]),
        )
        for row in facts.versions[:MOST_VERSIONS]
    ]
    if not rows:
        return empty("There is no version yet.")
    names = ("version", "", "made by", "executions", "on examples", "with oracles", "p99")
    return _table(names, rows, numbers=(3, 4, 5, 6))


def _agreement(facts: Facts, version: int) -> str:
    sums: ShareSums | None = facts.series.versions.get(version)
    return percent(sums.share() if sums else None)


def _rollout_table(rollouts: Sequence[Rollout]) -> str:
    steps = [
        (
            when(format_time(step.at)),
            f"v{rollout.candidate}",
            step.event.replace("_", " "),
            f"{step.percent} %",
            step.reason,
        )
        for rollout in rollouts
        for step in reversed(rollout.history)
    ]
    if not steps:
        return ""
    return _table(("when", "version", "", "traffic", "why"), steps[:MOST_STEPS], numbers=(3,))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if at in numbers else ''}>{escape(str(cell))}</{tag}>"
            for at, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells(names, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
