"""Grows expressions from the input fields, cheapest first, keeping one for each behaviour.

Two expressions that give the same values on all examples are one here, the cheaper. The work is
counted, not timed, so the same examples always give the same pool.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workbench.synthesis.by_example.anchors import (
    affix_operations,
    cut_operations,
    slice_operations,
)
from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.dates import (
    date_operations,
    time_operations,
    write_date_operations,
    write_time_operations,
)
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Operation,
    Values,
    apply,
    extend,
)
from workbench.synthesis.by_example.numerals import (
    count_operations,
    read_number_operations,
    write_number_operations,
)
from workbench.synthesis.by_example.patterns import pattern_operations
from workbench.synthesis.by_example.rewriting import (
    case_operations,
    removal_operations,
    replacement_operations,
    shape_operations,
    trim_operations,
)
from workbench.synthesis.by_example.splitting import list_operations, split_operations
from workbench.synthesis.by_example.tables import table_operations

MAX_COST = 14.0
MAX_DEPTH = 6
MAX_LENGTH = 4000  # of a text that is still taken apart
Source = tuple[Expression, Values]


@dataclass
class Pool:
    """Expressions by kind and values, and how much work went into them."""

    entries: dict[tuple[Kind, Values], Expression] = field(default_factory=dict)
    work: int = 0

    def of_kind(self, kind: Kind) -> list[tuple[Values, Expression]]:
        return [(values, made) for (held, values), made in self.entries.items() if held is kind]


def grow_pool(sources: Sequence[Source], clues: Clues, budget: int) -> Pool:
    """The expressions over these sources that `budget` applications of a step can reach."""
    pool = Pool()
    waiting: list[tuple[float, int, int, Expression, Values]] = []
    serial = 0

    def offer(made: Expression, values: Values, depth: int) -> None:
        nonlocal serial
        key = (made.kind, values)
        known = pool.entries.get(key)
        if known is not None and known.cost <= made.cost:
            return
        pool.entries[key] = made
        serial += 1
        heapq.heappush(waiting, (made.cost, serial, depth, made, values))

    for made, values in sources:
        offer(made, values, 0)
        if made.kind is Kind.TEXT:
            texts = [value if isinstance(value, str) else "" for value in values]
            if max(map(len, texts)) <= MAX_LENGTH:
                for step in pattern_operations(texts, clues):
                    pool.work += 1
                    _try(step, made, values, 1, offer)
    while waiting and pool.work < budget:
        _, _, depth, made, values = heapq.heappop(waiting)
        if pool.entries[made.kind, values] is not made or depth >= MAX_DEPTH:
            continue
        for step in propose(made.kind, values, clues, depth):
            if made.cost + step.cost <= MAX_COST:
                pool.work += 1
                _try(step, made, values, depth + 1, offer)
    return pool


def _try(step: Operation, made: Expression, values: Values, depth: int, offer: object) -> None:
    results = apply(step, values)
    if any(result is not None for result in results):
        offer(extend(made, step), results, depth)  # type: ignore[operator]


def propose(kind: Kind, values: Values, clues: Clues, depth: int) -> Iterator[Operation]:
    """The steps worth trying on these values, given what the outputs look like."""
    alive = [value for value in values if value is not None]
    if kind is Kind.TEXT:
        yield from _propose_for_text(values, [text for text in alive if text], clues, depth)
    elif kind is Kind.WORDS:
        rows = [row for row in alive if row]
        if rows:
            yield from list_operations(rows, clues, depth)
            yield from count_operations(clues)
    elif kind is Kind.NUMBER:
        yield from write_number_operations(alive, clues)
    elif kind is Kind.DATE:
        yield from write_date_operations(clues)
    else:
        yield from write_time_operations(clues)


def _propose_for_text(
    values: Values, alive: Sequence[str], clues: Clues, depth: int
) -> Iterator[Operation]:
    if not alive or max(map(len, alive)) > MAX_LENGTH:
        return
    if depth <= 3:
        if any(text[:1].isdigit() or text[-1:].isdigit() or " " in text for text in alive):
            yield from date_operations(alive, clues)
            yield from time_operations(alive, clues)
        yield from read_number_operations(alive, clues)
        yield from table_operations(alive, clues)
    if not clues.is_related(values):
        return
    yield from case_operations(alive, clues)
    yield from trim_operations(alive, clues)
    if len(alive) > 1 and len(set(alive)) == 1:
        return
    if depth <= 3:
        yield from split_operations(alive, clues)
        yield from cut_operations(alive, clues)
        yield from removal_operations(alive, clues)
        yield from shape_operations(alive, clues)
        yield from slice_operations(alive, clues)
        yield from replacement_operations(alive, clues)
        yield from affix_operations(alive, clues)
