"""How figures are written for people, and sentences as HTML. Pure."""

from __future__ import annotations

from html import escape

from runtime.sampling.estimate import Share
from workbench.report.facts import Facts


def words(text: str) -> str:
    return f'<p class="words">{escape(text)}</p>'


def empty(text: str) -> str:
    return f'<p class="empty">{escape(text)}</p>'


def percent(share: Share | None) -> str:
    return "–" if share is None or share.value is None else f"{share.value:.1%}"


def interval(share: Share | None) -> str:
    if share is None or share.value is None:
        return "–"
    return f"{share.low:.1%} to {share.high:.1%}"


def drift_level(facts: Facts) -> str:
    return str((facts.drift or {}).get("level") or "unknown")


def ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"


def money(value: float, currency: str) -> str:
    shown = f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"
    return f"{shown} {currency}"


def days(count: int) -> str:
    return "day" if count == 1 else f"{count} days"


def when(timestamp: str) -> str:
    return timestamp[:16].replace("T", " ")
