"""Tables learned from the examples themselves: an answer for each value of a short key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.code import X
from workbench.synthesis.by_example.expression import Expression, Kind, extend, operation
from workbench.synthesis.by_example.pool import Pool
from workbench.synthesis.by_example.tables import write_table

MAX_KEY_COST = 7.0
MAX_KEY_LENGTH = 24
MAX_ROWS = 60
KEY_BITS = 1.6  # a character of a key; what stands for something is said once
VALUE_BITS = 2.0
DIGITS_COST = 6.0  # numbers seldom name a kind


def learn_lookups(
    pool: Pool, outputs: Sequence[str | None], limit: int = 3
) -> Iterator[Expression]:
    """The cheapest look-ups that give every output, by keys that the inputs hold."""
    present = [row for row, output in enumerate(outputs) if output is not None]
    distinct = {outputs[row] for row in present}
    if len(distinct) < 2 or len(distinct) > MAX_ROWS:
        return
    size = VALUE_BITS * sum(len(output) for output in distinct if output)
    found: list[tuple[float, int, Expression, dict[str, str]]] = []
    for values, made in pool.of_kind(Kind.TEXT):
        if made.cost > MAX_KEY_COST:
            continue
        keys = [values[row] for row in present]
        if any(not key or len(key) > MAX_KEY_LENGTH for key in keys):
            continue
        table: dict[str, str] = {}
        for key, row in zip(keys, present, strict=True):
            if table.setdefault(key, outputs[row] or "") != outputs[row]:
                break
        else:
            cost = 6.0 + size + KEY_BITS * sum(map(len, table)) + 2.0 * len(table)
            cost += DIGITS_COST if any(mark.isdigit() for key in table for mark in key) else 0.0
            found.append((made.cost + cost, len(found), made, table))
    found.sort(key=lambda item: item[:2])
    for cost, _, made, table in found[:limit]:
        written = write_table("ANSWERS", dict(sorted(table.items())))
        step = operation(f"{written}[{X}]", Kind.TEXT, Kind.TEXT, cost - made.cost, "answer")
        yield extend(made, step)
