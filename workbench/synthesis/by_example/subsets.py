"""Chooses a few examples, as unlike each other as can be, to search with."""

from __future__ import annotations

import random
from collections.abc import Sequence

from workbench.synthesis.by_example.clues import shape_of
from workbench.synthesis.by_example.program import Row


def varied_subset(
    rows: Sequence[Row], outputs: Sequence[str | None], size: int, seed: int
) -> list[int]:
    """Indices of at most `size` examples: of each shape one, the commonest shapes first.

    At least two examples without an output are among them where there are such.
    """
    if len(rows) <= size:
        return list(range(len(rows)))
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)  # noqa: S311
    groups: dict[tuple[str, ...], list[int]] = {}
    for index in order:
        key = (*(shape_of(value) for value in rows[index]), shape_of(outputs[index]))
        groups.setdefault(key, []).append(index)
    ranked = sorted(groups.values(), key=lambda group: -len(group))
    chosen: list[int] = []
    written: set[str | None] = set()
    for turn in range(max(len(group) for group in ranked)):
        for group in ranked:
            if len(chosen) == size:
                break
            if turn < len(group) and (outputs[group[turn]] not in written or len(group) == 1):
                chosen.append(group[turn])
                written.add(outputs[group[turn]])
        if len(chosen) == size:
            break
    missing = [index for index in order if outputs[index] is None and index not in chosen]
    held = sum(outputs[index] is None for index in chosen)
    chosen += missing[: max(0, 2 - held)]
    return sorted(chosen)
