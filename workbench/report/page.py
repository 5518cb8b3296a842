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
from runtime.sampling.estimate import Share, ShareSums
from workbench.report import figures, quality_figures
from workbench.report.drawing import Figure, per_step
from workbench.report.facts import CHARACTERS_A_TOKEN, Facts

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
            _if_any(facts, f"How many {per_step(series.seconds)}, by how they ended (UTC)."),
            figures.traffic(series),
        ),
        Section(
            "latency",
            "Latency over time",
            _if_any(
                facts, "Running time of the program in the sandbox: half, 95 % and 99 % are faster."
            ),
            figures.latency(series),
        ),
        Section("outputs", "What was answered", _outputs_words(facts), figures.outputs(series)),
        Section("accuracy", "Accuracy", _accuracy_words(facts), quality_figures.accuracy(facts)),
        Section("confusion", "Mix-ups", _confusion_words(facts), quality_figures.confusion(series)),
        Section("drift", "Drift", _drift_words(facts), quality_figures.drift(facts.drift)),
        Section(
            "versions",
            "Versions",
            _if_any(facts, "Which version answered, in shares."),
            figures.versions(series),
            _versions_table(facts),
        ),
        Section(
            "rollout",
            "Rollouts",
            _rollout_words(facts),
            quality_figures.rollout(facts.rollouts[0] if facts.rollouts else None, facts.made_at),
            _rollout_table(facts.rollouts),
        ),
        Section("savings", "Cost saved", _savings_words(facts), figures.savings(facts), wide=True),
    ]


def report_html(facts: Facts, plotly_js: str) -> str:
    """The whole page in one text, Plotly's script included."""
    shown = sections(facts)
    data = {section.name: section.figure for section in shown if section.figure}
    title = f"{facts.task.name}: the last {_days(facts.days)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<style>{asset('page.css')}</style></head><body>"
        f"<header><h1>{escape(facts.task.name)}</h1><p>{escape(headline(facts))}</p></header>"
        f"<main>{cards(shown)}</main>"
        f"<footer><p>Made {_when(format_time(facts.made_at))} UTC from the last "
        f"{_days(facts.days)} of the log. This file needs no network.</p></footer>"
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
        ("executions", f"{total:,}", f"in {_days(facts.days)}"),
        ("failed", f"{failed / total:.2%}" if total else "–", f"{failed:,} of them"),
        ("half are faster than", _ms(latency["p50"]), ""),
        ("99 % are faster than", _ms(latency["p99"]), ""),
        (
            "accuracy",
            _percent(share),
            f"{_interval(share)}" if share and share.value is not None else "nothing validated",
        ),
        ("drift", _drift_level(facts), "of inputs and outputs"),
    ]
    if facts.savings:
        saved = facts.savings.model - facts.savings.oracles
        rows.append(("saved", _money(saved, facts.savings.currency), "against calling a model"))
    return (
        "<dl>"
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
            for name, value, more in rows
        )
        + "</dl>"
    )


def _if_any(facts: Facts, text: str) -> str:
    if not facts.series.steps:
        return _empty("Nothing was executed in these days.")
    return _words(text)


def _outputs_words(facts: Facts) -> str:
    series = facts.series
    if not series.steps:
        return _if_any(facts, "")
    what = f"The property {series.part!r} of the output" if series.part else "Outputs"
    if series.kind == "numbers":
        return _words(f"{what}: a tenth are below p10, half below the median.")
    return _words(f"{what}, in shares of what was answered.")


def _accuracy_words(facts: Facts) -> str:
    if not facts.series.validated:
        return _empty(
            "No execution has been validated in these days. Oracles answer by themselves once "
            f"task.yaml names one; a person answers with: loopai label {facts.task.name}"
        )
    parts = [
        f"v{version} {_percent(sums.share())} ({_interval(sums.share())})"
        for version, sums in sorted(facts.series.versions.items())
    ]
    return _words(
        f"Agreement with the oracles, 95 % intervals; weighed by how likely each of the "
        f"{facts.series.validated:,} was to be sampled: {'; '.join(parts)}. The dotted line is the "
        f"target, {facts.task.accuracy_target:.0%}."
    )


def _confusion_words(facts: Facts) -> str:
    series = facts.series
    if not series.validated:
        return _empty("Shown once executions are validated.")
    if series.kind == "numbers":
        return _empty("Outputs are numbers: there are no classes to mix up.")
    wrong = sum(count for (right, got), count in series.mixed_up.items() if right != got)
    if quality_figures.confusion(series) is None:
        return _empty("Only one answer was ever right: there is nothing to mix up.")
    what = f" (property {series.part!r})" if series.part else ""
    return _words(
        f"{wrong:,} of {sum(series.mixed_up.values()):,} validated answers{what} were others than "
        "the oracle's. Counts, unweighed."
    )


def _drift_words(facts: Facts) -> str:
    measure = facts.drift
    if measure is None:
        return _empty("Measured once executions are there to compare with the examples.")
    if not measure.get("enough"):
        return _empty(
            f"Too little to tell: {measure.get('records', 0):,} executions against "
            f"{measure.get('reference', 0):,} examples (100 and 20 are needed)."
        )
    on = f" of {measure['day']}" if "day" in measure else ""
    return _words(
        f"How far {measure['records']:,} executions{on} have moved from the "
        f"{measure['reference']:,} examples, beyond chance: below 0.1 is stable, from 0.25 on an alert."
    )


def _rollout_words(facts: Facts) -> str:
    if not facts.rollouts:
        return _empty(
            "No version has been rolled out in stages yet. Begin with: "
            f"loopai promote {facts.task.name} VERSION --staged"
        )
    last = facts.rollouts[0]
    return _words(
        f"v{last.candidate} over v{last.baseline}: {last.state.replace('_', ' ')} ({last.reason})"
    )


def _savings_words(facts: Facts) -> str:
    saved = facts.savings
    if saved is None:
        return _empty(
            "Shown once deployment.yaml has prices: per_call, or input_per_million and "
            "output_per_million tokens."
        )
    by_token = f" ({CHARACTERS_A_TOKEN} characters counted as a token)"
    tokens = by_token if saved.by_token else ""
    return _words(
        f"A model called each time would have cost {_money(saved.model, saved.currency)} at "
        f"{_money(saved.a_call, saved.currency)} a call{tokens}; oracles cost "
        f"{_money(saved.oracles, saved.currency)}."
    )


def _versions_table(facts: Facts) -> str:
    rows = [
        (
            f"v{row['version']}",
            row["status"],
            row["strategy"],
            f"{row['executions']:,}",
            "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
            _agreement(facts, row["version"]),
            _ms(row["p99_ms"]),
        )
        for row in facts.versions[:MOST_VERSIONS]
    ]
    if not rows:
        return _empty("There is no version yet.")
    names = ("version", "", "made by", "executions", "on examples", "with oracles", "p99")
    return _table(names, rows, numbers=(3, 4, 5, 6))


def _agreement(facts: Facts, version: int) -> str:
    sums: ShareSums | None = facts.series.versions.get(version)
    return _percent(sums.share() if sums else None)


def _rollout_table(rollouts: Sequence[Rollout]) -> str:
    steps = [
        (
            _when(format_time(step.at)),
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


def _words(text: str) -> str:
    return f'<p class="words">{escape(text)}</p>'


def _empty(text: str) -> str:
    return f'<p class="empty">{escape(text)}</p>'


def _percent(share: Share | None) -> str:
    return "–" if share is None or share.value is None else f"{share.value:.1%}"


def _interval(share: Share | None) -> str:
    if share is None or share.value is None:
        return "–"
    return f"{share.low:.1%} to {share.high:.1%}"


def _drift_level(facts: Facts) -> str:
    return str((facts.drift or {}).get("level") or "unknown")


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"


def _money(value: float, currency: str) -> str:
    shown = f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"
    return f"{shown} {currency}"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"


def _when(timestamp: str) -> str:
    return timestamp[:16].replace("T", " ")
