"""What was measured with and without the model, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STRATEGIES = ("rule", "ml", "hybrid", "dsl")
Row = Mapping[str, Any]


def print_table(rows: Sequence[Row]) -> None:
    """Accuracy on unseen examples, a line for each set and share: `without > with` where the
    model changed the program, one figure where it did not."""
    cells: dict[tuple[str, float], dict[str, Row]] = {}
    for row in rows:
        cells.setdefault((row["set"], row["share"]), {})[row["by"]] = row
    _line(["set", "learned from", "judged by", "majority", *STRATEGIES, "scikit-learn"])
    _line(["---", *["---:"] * 8])
    for (name, share), by in sorted(cells.items()):
        first = next(iter(by.values()))
        _line(
            [
                name,
                f"{first['train']} ({share:.0%})",
                first["unseen"],
                _percent(by.get("majority")),
                *(_both(by.get(strategy)) for strategy in STRATEGIES),
                _percent(by.get("scikit-learn")),
            ]
        )
    print(_summary(rows))


def print_figures(rows: Sequence[Row]) -> None:
    """Every figure of every cell; `same` where the model's help was not taken."""
    headings = ["set", "learned from", "by", "right", "95 % interval", "p99 ms", "bytes", "s"]
    _line([*headings, "with the model", "s", "calls", "tokens", "program"])
    _line(["---", "---:", "---", *["---:"] * 5, "---", *["---:"] * 3, "---"])
    for row in sorted(rows, key=lambda row: (row["set"], row["share"], _place(row["by"]))):
        alone = row.get("without") if "with" in row else row
        helped = row.get("with", {})
        program = (helped or row).get("program") or row.get("none", "")
        _line(
            [
                row["set"],
                f"{row['train']} ({row['share']:.0%})",
                row["by"],
                *_quality(alone, row["unseen"]),
                *(_figure(alone, name) for name in ("p99_ms", "bytes", "seconds")),
                ("same" if not helped["helped"] else _quality(helped, row["unseen"])[0])
                if helped
                else "",
                *(_figure(helped, name) for name in ("seconds", "calls", "tokens")),
                _short(program),
            ]
        )
    print(_summary(rows))


def _place(by: str) -> int:
    order = ("majority", *STRATEGIES, "scikit-learn")
    return order.index(by)


def _quality(figures: Row | None, unseen: int) -> tuple[str, str]:
    if not figures or "accuracy" not in figures:
        return "-", "-"
    low, high = figures["interval"]
    right = f"{figures['correct']} of {unseen} ({figures['accuracy']:.1%})"
    return right, f"{low:.1%} to {high:.1%}"


def _figure(figures: Row | None, name: str) -> str:
    value = (figures or {}).get(name)
    if value is None:
        return ""
    return f"{value:.3g}" if name == "p99_ms" else f"{value:,}"


def _both(row: Row | None) -> str:
    if row is None or "with" not in row:
        return "-" if row else ""
    if not row["with"]["helped"]:
        return _percent(row["with"])
    return f"{_percent(row['without'])} > {_percent(row['with'])}"


def _percent(figures: Row | None) -> str:
    return f"{figures['accuracy'] * 100:.1f}" if figures and "accuracy" in figures else "-"


def _summary(rows: Sequence[Row]) -> str:
    both = [row for row in rows if row.get("with") and row.get("without")]
    helped = [row for row in both if row["with"]["helped"]]
    worse = [row for row in helped if row["with"]["correct"] < row["without"]["correct"]]
    better = [row for row in helped if row["with"]["correct"] > row["without"]["correct"]]
    alone = [row for row in rows if row.get("with") and not row.get("without")]
    return (
        f"\n{len(both)} pairs: the model's help was taken {len(helped)} times; with it better on "
        f"unseen examples {len(better)} times, worse {len(worse)}. "
        f"{len(alone)} programs there are only with the model."
    )


def _short(text: Any) -> str:
    words = str(text).replace("|", "/")
    return words if len(words) <= 60 else f"{words[:57]}..."


def _line(cells: Sequence[Any]) -> None:
    print("| " + " | ".join(map(str, cells)) + " |")
