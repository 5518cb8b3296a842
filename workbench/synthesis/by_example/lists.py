"""Solves for a list by example: how a text is taken apart into the wanted texts or numbers.

Searches with a few varied examples, checks on all, and searches again with what went wrong.
Makes one way for all examples, no branches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X
from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Operation,
    apply,
    extend,
    operation,
)
from workbench.synthesis.by_example.pool import grow_pool, sources
from workbench.synthesis.by_example.program import Branch, Program, Row, evaluate, read_row
from workbench.synthesis.by_example.subsets import varied_subset
from workbench.synthesis.by_example.writing import write_program
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import InputField
from workbench.synthesis.strategy import Progress

SUBSET = 5
ROUNDS = 5
BUDGET = 60_000  # applications of a step to a value, each time a pool is grown
LEAST_RIGHT = 0.5  # share of the examples that a way must be right on
PRIOR = 0.9
WHOLE = operation(f"[int(word) for word in {X}]", Kind.WORDS, Kind.WORDS, 1.0, "numbers")
DECIMAL = operation(f"[float(word) for word in {X}]", Kind.WORDS, Kind.WORDS, 1.5, "numbers")


def are_lists(values: Sequence[Any]) -> bool:
    """Whether these are lists of texts alone, or of numbers alone, and not all empty.

    None among them says that there is no list; then none may be empty.
    """
    lists = [value for value in values if value is not None]
    if not all(isinstance(value, list) for value in lists):
        return False
    if len(lists) < len(values) and not all(lists):
        return False
    items = [item for value in lists for item in value]
    numbers = [isinstance(item, int | float) and not isinstance(item, bool) for item in items]
    return bool(items) and (all(isinstance(item, str) for item in items) or all(numbers))


def solve_list(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[Sequence[Any] | None],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    progress: Progress = lambda message: None,
) -> list[RankedFragment]:
    """A program that gives `values[i]` for `inputs[i]`; none where no way was found that is
    right on half of them. The fragment's function is named `function`."""
    rows = [read_row(data, fields) for data in inputs]
    wanted = [tuple(value or ()) for value in values]
    progress(f"searching with some of {len(rows)} examples")
    made = _search(rows, wanted, fields, seed)
    right = _right(made, rows, wanted) if made is not None else []
    if made is None or sum(right) < LEAST_RIGHT * len(rows):
        return []
    total = len(rows)
    branches = (Branch(None, Concatenation((made,), made.cost)),)
    if None in values:
        program = Program(branches, absent=None, empty_is_absent=True)
    else:
        program = Program(branches, absent=[])
    about = f"Found by example: right on {sum(right)} of {total}."
    fragment = write_program(program, fields, function, about, [""])
    notes = (f"Right on {sum(right)} of {total} examples.",)
    score = (sum(right) + 2 * PRIOR - 2 * (not all(right))) / (total + 2)
    return [RankedFragment(replace(fragment, notes=notes), score, "one expression", notes, program)]


def _search(
    rows: Sequence[Row], wanted: Sequence[tuple[Any, ...]], fields: Sequence[InputField], seed: int
) -> Expression | None:
    """The way that is right on most examples, of those found with a few at a time."""
    texts = ["\n".join(map(str, items)) for items in wanted]
    chosen = varied_subset(rows, texts, SUBSET, seed)
    step = _number_step(wanted)
    best: Expression | None = None
    most = 0
    for _ in range(ROUNDS):
        made = _way([rows[n] for n in chosen], [wanted[n] for n in chosen], fields, step)
        if made is None:
            return best
        right = _right(made, rows, wanted)
        if sum(right) > most:
            best, most = made, sum(right)
        wrong = [n for n, ok in enumerate(right) if not ok and n not in chosen]
        if not wrong:
            return best
        chosen = sorted([*chosen, wrong[0]])
    return best


def _way(
    rows: Sequence[Row],
    wanted: Sequence[tuple[Any, ...]],
    fields: Sequence[InputField],
    step: Operation | None,
) -> Expression | None:
    """The cheapest expression whose lists are those wanted of these rows."""
    clues = Clues(tuple("\n".join(map(str, items)) for items in wanted))
    pool = grow_pool(sources(rows, fields), clues, BUDGET // max(3, len(rows)))
    if step is None:
        return pool.entries.get((Kind.WORDS, tuple(wanted)))
    ways = [
        extend(made, step)
        for values, made in pool.of_kind(Kind.WORDS)
        if apply(step, values) == tuple(wanted)
    ]
    return min(ways, key=lambda way: (way.cost, way.key), default=None)


def _number_step(wanted: Sequence[tuple[Any, ...]]) -> Operation | None:
    """How texts become the items that are wanted; None where texts are."""
    items = [item for row in wanted for item in row]
    if any(isinstance(item, str) for item in items):
        return None
    return WHOLE if all(isinstance(item, int) for item in items) else DECIMAL


def _right(made: Expression, rows: Sequence[Row], wanted: Sequence[tuple[Any, ...]]) -> list[bool]:
    """For each example whether the way gives its list."""
    return [
        tuple(evaluate(made, row) or ()) == items for row, items in zip(rows, wanted, strict=True)
    ]
