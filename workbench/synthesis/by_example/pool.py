"""Grows expressions from the input fields, cheapest first, keeping one for each behaviour.

Two expressions that give the same values on all examples are one here, the cheaper. The work is
counted, not timed, so the same examples always give the same pool.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.synthesis.by_example.anchors import (
    affix_operations,
    cut_operations,
    slice_operations,
)
from workbench.synthesis.by_example.arithmetic import derive_numbers
from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import OPERANDS, X, Y
from workbench.synthesis.by_example.dates import (
    date_operations,
    time_operations,
    write_date_operations,
    write_time_operations,
)
from workbench.synthesis.by_example.edges import edge_operations
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Operation,
    Values,
    apply,
    apply_pair,
    extend,
    operation,
)
from workbench.synthesis.by_example.numerals import (
    count_operations,
    find_number_operations,
    read_number_operations,
    write_number_operations,
)
from workbench.synthesis.by_example.patterns import pattern_operations, repeated_operations
from workbench.synthesis.by_example.phones import phone_operations, regroup_operations
from workbench.synthesis.by_example.rewriting import (
    case_operations,
    removal_operations,
    replacement_operations,
    shape_operations,
    trim_operations,
)
from workbench.synthesis.by_example.splitting import list_operations, split_operations
from workbench.synthesis.by_example.tables import table_operations
from workbench.synthesis.kinds import FieldKind, InputField

MAX_COST = 14.0
MAX_DEPTH = 6
MAX_ALTERNATIVES = 6  # twice as many where they read a date or a time
PARSED = (Kind.DATE, Kind.TIME)
MAX_FIELDS = 6  # columns that are joined as one list
MAX_LENGTH = 4000  # of a text that is still taken apart
FIELD_PAIRS = (
    (f"{X}[:{Y}]", 3.0),
    (f"{X}[{Y}:]", 3.0),
    (f"{X}[-{Y}:]", 3.4),
    (f"{X} * {Y}", 3.4),
    (f"{X}.split()[{Y} - 1]", 4.0),
    (f"{X}.split()[{Y}]", 4.4),
    (f"{X}.zfill({Y})", 4.0),
)
Source = tuple[Expression, Values]
Waiting = tuple[float, int, int, Expression, Values]


@dataclass
class Pool:
    """Expressions by kind and values, and how much work went into them.

    `alternatives` holds other ways to the same texts, which may share more with their like.
    `waiting` are those from which no further step was tried yet, the cheapest on top.
    """

    entries: dict[tuple[Kind, Values], Expression] = field(default_factory=dict)
    alternatives: dict[Values, list[Expression]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    work: int = 0
    serial: int = 0

    def of_kind(self, kind: Kind) -> list[tuple[Values, Expression]]:
        return [(values, made) for (held, values), made in self.entries.items() if held is kind]

    def offer(self, made: Expression, values: Values, depth: int) -> None:
        """Takes in an expression if it is the cheapest with these values."""
        known = self.entries.get((made.kind, values))
        if known is None or made.cost < known.cost:
            self.entries[made.kind, values] = made
            self.serial += 1
            heapq.heappush(self.waiting, (made.cost, self.serial, depth, made, values))
        if made.kind is Kind.TEXT:
            others = self.alternatives.setdefault(values, [])
            others.append(made)
            if len(others) > 2 * MAX_ALTERNATIVES:
                others.remove(max(others, key=_price))

    def try_step(self, step: Operation, made: Expression, values: Values, depth: int) -> None:
        """Applies one step and takes in what it makes, if that is of any use."""
        self.work += 1
        results = apply(step, values)
        known = self.entries.get((step.gives, results))
        if known is not None:
            full = 2 * MAX_ALTERNATIVES if made.kind in PARSED else MAX_ALTERNATIVES
            cost = made.cost + step.cost
            if known.cost <= cost:
                others = self.alternatives.get(results, ()) if step.gives is Kind.TEXT else None
                if others is None:
                    return
                if len(others) >= full and cost >= max(map(_price, others)):
                    return
        elif results.count(None) == len(results):
            return
        self.offer(extend(made, step), results, depth)


def _price(made: Expression) -> float:
    return made.cost


def grow_pool(sources: Sequence[Source], clues: Clues, budget: int) -> Pool:
    """The expressions over these sources that `budget` applications of a step can reach."""
    pool = Pool()
    for made, values in sources:
        pool.offer(made, values, 0)
        if made.kind is Kind.TEXT:
            texts = [value if isinstance(value, str) else "" for value in values]
            if max(map(len, texts)) <= MAX_LENGTH:
                for step in (*pattern_operations(texts, clues), *repeated_operations(texts, clues)):
                    pool.try_step(step, made, values, 1)
    for combined, results in combine_fields(sources):
        pool.offer(combined, results, 1)
    _drain(pool, clues, budget)
    for derived, results in derive_numbers(pool.of_kind(Kind.NUMBER), clues.numerals):
        pool.offer(derived, results, MAX_DEPTH - 1)
    _drain(pool, clues, budget + budget // 10)
    return pool


def _drain(pool: Pool, clues: Clues, budget: int) -> None:
    """Takes the cheapest expression again and again, and offers what one more step makes."""
    while pool.waiting and pool.work < budget:
        _, _, depth, made, values = heapq.heappop(pool.waiting)
        if pool.entries[made.kind, values] is not made or depth >= MAX_DEPTH:
            continue
        for step in propose(made.kind, values, clues, depth):
            if made.cost + step.cost <= MAX_COST:
                pool.try_step(step, made, values, depth + 1)


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
        if depth <= 1:
            yield from find_number_operations(alive, clues)
        yield from table_operations(alive, clues)
        yield from phone_operations(alive, clues)
        yield from regroup_operations(alive, clues)
    if not clues.is_related(values):
        return
    yield from case_operations(alive, clues)
    yield from trim_operations(alive, clues)
    if len(alive) > 1 and len(set(alive)) == 1:
        return
    if depth <= 3:
        yield from edge_operations(values, clues)
        yield from split_operations(alive, clues)
        yield from cut_operations(alive, clues)
        yield from removal_operations(alive, clues)
        yield from shape_operations(alive, clues)
        yield from slice_operations(alive, clues)
        yield from replacement_operations(alive, clues)
        yield from affix_operations(alive, clues)


def sources(rows: Sequence[Sequence[Any]], fields: Sequence[InputField]) -> list[Source]:
    """The input fields as expressions, with their values in these rows."""
    found: list[Source] = []
    cost = 0.0 if len(fields) == 1 else 1.0
    for number, one in enumerate(fields):
        values = tuple(row[number] for row in rows)
        name = one.path[-1]
        if one.kind in (FieldKind.TEXT, FieldKind.CATEGORY):
            texts = tuple(value if isinstance(value, str) else None for value in values)
            found.append((Expression(Kind.TEXT, cost, name, number), texts))
        elif one.kind is FieldKind.NUMBER:
            found.append((Expression(Kind.NUMBER, cost, name, number), values))
    return [*found, *_field_lists(found)]


def combine_fields(sources: Sequence[Source]) -> Iterator[Source]:
    """Texts cut, repeated or picked from at the place that a number field says."""
    texts = [item for item in sources if item[0].kind is Kind.TEXT]
    numbers = [item for item in sources if item[0].kind is Kind.NUMBER]
    for made, values in texts:
        for other, counts in numbers:
            for code, cost in FIELD_PAIRS:
                step = operation(code, Kind.TEXT, Kind.TEXT, cost, "part")
                results = apply_pair(step, values, counts)
                if any(result is not None for result in results):
                    total = made.cost + other.cost + cost
                    yield Expression(Kind.TEXT, total, "part", -1, step, (made, other)), results


def _field_lists(found: Sequence[Source]) -> list[Source]:
    """Neighbouring texts, those that are there, as a list: for columns that may be empty."""
    texts = [item for item in found if item[0].kind is Kind.TEXT]
    lists: list[Source] = []
    for start in range(len(texts)):
        for end in range(start + 2, min(len(texts), start + MAX_FIELDS) + 1):
            part = texts[start:end]
            if all(all(values) for _, values in part):
                continue
            listed = ", ".join(OPERANDS[: len(part)])
            step = operation(
                f"[part for part in ({listed}) if part]", Kind.TEXT, Kind.WORDS, 3.0, "parts"
            )
            cost = step.cost + 0.3 * len(part)
            made = Expression(Kind.WORDS, cost, "parts", -1, step, tuple(one for one, _ in part))
            rows = zip(*(values for _, values in part), strict=True)
            lists.append((made, tuple(tuple(text for text in row if text) for row in rows)))
    return lists
