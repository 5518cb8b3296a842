"""Draws how many rollouts were rolled back by a number of requests, as one SVG."""

from __future__ import annotations

from html import escape
from math import log10

WIDTH, PLOT, LEFT, RIGHT, TOP, AXIS, LINE = 860, 290, 60, 20, 20, 55, 17
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#9c6b4e", "#a463f2", "#3ca951", "#9498a0")


def draw(curves: dict[str, list[int]], runs: int) -> str:
    """A curve a scenario: the share of `runs` rolled back (y) after so many requests (x, log)."""
    most = log10(max((max(values) for values in curves.values()), default=10))
    least = 2.0
    height = PLOT + AXIS + LINE * len(curves)

    def x(requests: float) -> float:
        place = (max(log10(requests), least) - least) / max(most - least, 0.1)
        return LEFT + place * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return PLOT - share * (PLOT - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for share in (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1):
        parts.append(f'<path d="M{LEFT} {y(share):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">')
        parts.append(f"{share:.0%}</text>")
    for power in range(int(least), int(most) + 1):
        for digit in (1, 2, 5):
            requests = digit * 10**power
            if log10(requests) <= most:
                parts.append(
                    f'<text x="{x(requests):.1f}" y="{PLOT + 18}" '
                    f'text-anchor="middle">{requests:,}</text>'
                )
    parts.append(
        f'<text x="{WIDTH / 2}" y="{PLOT + 38}" text-anchor="middle">'
        f"requests until rolled back (share of {runs:,} rollouts)</text>"
    )
    for index, (name, values) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        ordered = sorted(values)
        step = max(1, len(ordered) // 400)
        points = [
            f"{x(ordered[rank]):.1f},{y((rank + 1) / runs):.1f}"
            for rank in range(0, len(ordered), step)
        ]
        points.append(f"{WIDTH - RIGHT},{y(len(ordered) / runs):.1f}")
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        line = PLOT + AXIS + 7 + LINE * index
        parts.append(f'<rect x="{LEFT}" y="{line - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 20}" y="{line + 1}">{escape(name)}</text>')
    return "".join([*parts, "</svg>\n"])
