"""Small pictures made of letters: bars, sparklines, gauges with an interval. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = "▏▎▍▌▋▊▉█"


def sparkline(values: Sequence[float]) -> str:
    """One letter a value, the highest full; a zero is a dot, so that quiet and low differ."""
    most = max(values, default=0)
    if most <= 0:
        return "·" * len(values)
    return "".join(
        BLOCKS[min(7, int(value / most * 7.999))] if value > 0 else "·" for value in values
    )


def bar(share: float, width: int) -> str:
    """A bar of `width` letters filled for a share in [0, 1], to an eighth of a letter."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (EIGHTHS[rest - 1] if rest else "")).ljust(width)


def gauge(value: float, low: float, high: float, target: float | None, width: int) -> Content:
    """A share with its interval on a scale from 0 to 1, the target marked.

    `─` is the scale, `━` the interval, `●` the value, `┃` the target.
    """

    def place(share: float) -> int:
        return min(width - 1, max(0, round(share * (width - 1))))

    letters = ["─"] * width
    styles = ["$border"] * width
    met = target is None or value >= target
    for column in range(place(low), place(high) + 1):
        letters[column], styles[column] = "━", "$success" if met else "$warning"
    if target is not None:
        letters[place(target)], styles[place(target)] = "┃", "$foreground"
    letters[place(value)] = "●"
    styles[place(value)] = "$success" if met else "$warning"
    return Content.assemble(*zip(letters, styles, strict=True))


def short_number(value: float | None) -> str:
    """A count in at most five letters: 950, 12.3k, 4.1M."""
    if value is None:
        return "-"
    for limit, divisor, unit in ((10_000, 1, ""), (1_000_000, 1e3, "k"), (1e9, 1e6, "M")):
        if abs(value) < limit:
            number = value / divisor
            text = f"{number:,.0f}" if not unit or number >= 100 else f"{number:.1f}"
            return text + unit
    return f"{value / 1e9:.1f}G"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def milliseconds(value: float | None) -> str:
    """A time of some milliseconds with three significant digits."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A time in its two largest units: 12 s, 4 min 10 s, 3 h 5 min, 2 d 4 h."""
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    left = max(0, int(seconds))
    largest = next((place for place, (_, size) in enumerate(units) if left >= size), len(units) - 1)
    parts = []
    for name, size in units[largest : largest + 2]:
        count, left = divmod(left, size)
        parts.append(f"{count} {name}")
    return " ".join(parts)


def column_chart(
    values: Sequence[float], *, width: int, height: int, style: str, unit: str = ""
) -> Content:
    """Columns from left to right on `height` lines, the scale at the left; gaps are NaN.

    More values than letters are joined by their highest, so that a peak is never lost.
    """
    scale = 9
    room = max(4, width - scale)
    drawn = _join(values, room)
    step = max(1, room // max(1, len(drawn)))
    most = max((value for value in drawn if value == value), default=0.0)
    lines: list[Content] = []
    for line in range(height, 0, -1):
        letters = []
        for value in drawn:
            filled = 0.0 if value != value or not most else value / most * height - (line - 1)
            letter = " " if filled <= 0 else BLOCKS[min(7, max(0, round(filled * 8) - 1))]
            letters.append((letter * max(1, step - (step > 2))).ljust(step))
        shown = most if line == height else most / 2 if line == (height + 1) // 2 else None
        label = f"{short_number(shown) if most >= 100 else milliseconds(shown)}{unit}"
        label = label if shown is not None else ""
        lines.append(
            Content.assemble((label.rjust(scale - 2) + "  ", "$soft"), ("".join(letters), style))
        )
    return Content("\n").join(lines)


def _join(values: Sequence[float], room: int) -> list[float]:
    if len(values) <= room:
        return list(values)
    joined = []
    for place in range(room):
        part = values[place * len(values) // room : (place + 1) * len(values) // room]
        known = [value for value in part if value == value]
        joined.append(max(known) if known else float("nan"))
    return joined
