"""Puts outputs together from expressions and constants: a shortest path through the outputs.

A state is how much of every output is written already, and which of the examples without an
output have failed as they should; an edge writes the same thing, an expression or a constant,
in all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.synthesis.by_example.clues import common_prefix
from workbench.synthesis.by_example.expression import Expression, Kind, Values, true_cost
from workbench.synthesis.by_example.pool import Pool

PART_COST = 2.0
MAX_CONSTANT = 60
MAX_STATES = 4000
MAX_EDGES = 150_000
EMPTY_ATOMS = 60
Part = Expression | str
State = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Parts written one after another; no parts at all is the absent answer."""

    parts: tuple[Part, ...]
    cost: float

    @property
    def expressions(self) -> list[Expression]:
        return [part for part in self.parts if isinstance(part, Expression)]


@dataclass(frozen=True, slots=True)
class Atom:
    """What an expression writes in each example that has an output.

    Of the examples without one, `fails` has a bit for each where it fails, and `silent` for
    each where it fails or writes nothing.
    """

    texts: tuple[str, ...]
    made: Expression
    fails: int = 0
    silent: int = 0
    others: Sequence[Expression] = ()


Atoms = Mapping[str, Sequence[Atom]]


def constant_cost(text: str) -> float:
    """Bits of a constant: letters and digits are surprising, marks less so."""
    return 1.0 + sum(2.6 if mark.isalnum() else 0.8 for mark in text)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pool's texts, cheapest first, each with the examples (as bits) it may be part of."""

    items: tuple[tuple[int, Values, Expression, Sequence[Expression]], ...]

    @staticmethod
    def over(pool: Pool, outputs: Sequence[str | None]) -> Shelf:
        items = []
        for values, made in pool.of_kind(Kind.TEXT):
            mask = 0
            for row, (text, output) in enumerate(zip(values, outputs, strict=True)):
                if output is not None and text is not None and text in output:
                    mask |= 1 << row
            if mask:
                items.append((mask, values, made, pool.alternatives.get(values, ())))
        items.sort(key=lambda item: item[2].cost)
        return Shelf(tuple(items))

    def atoms(self, rows: Sequence[int], absent: Sequence[int] = ()) -> Atoms:
        """What is part of the output in every one of these rows, by its text in the first.

        `absent` are the rows that have no output.
        """
        wanted = sum(1 << row for row in rows)
        seen: set[tuple[tuple[str, ...], int, int]] = set()
        by_first: dict[str, list[Atom]] = {}
        for mask, values, made, others in self.items:
            if mask & wanted != wanted:
                continue
            texts = tuple([values[row] for row in rows])
            if not any(texts):
                continue
            fails = sum(1 << bit for bit, row in enumerate(absent) if values[row] is None)
            silent = sum(1 << bit for bit, row in enumerate(absent) if not values[row])
            key = (texts, fails, silent)
            if key not in seen:
                seen.add(key)
                by_first.setdefault(texts[0], []).append(Atom(texts, made, fails, silent, others))
        return by_first


def concatenate(
    atoms: Atoms, outputs: Sequence[str], limit: int = 4, absent: int = 0
) -> list[Concatenation]:
    """The cheapest ways, at most `limit`, to write all of these outputs alike.

    `absent` is the number of examples on which they must fail or write nothing.
    """
    goal = tuple(len(output) for output in outputs)
    everywhere = (1 << absent) - 1
    empties = list(atoms.get("", ()))[:EMPTY_ATOMS]
    arrivals: dict[State, int] = {}
    start: State = ((0,) * len(outputs), 0)
    paths: list[tuple[float, int, State, tuple[Part, ...], int]] = [(0.0, 0, start, (), everywhere)]
    serial = edges = 0
    found: list[Concatenation] = []
    while paths and len(found) < limit and edges < MAX_EDGES:
        cost, _, state, parts, silent = heapq.heappop(paths)
        times = arrivals.get(state, 0)
        if times >= limit or len(arrivals) > MAX_STATES:
            continue
        arrivals[state] = times + 1
        places, failed = state
        if places == goal:
            if failed | silent == everywhere:
                found.append(Concatenation(parts, cost))
            continue
        first, begin = outputs[0], places[0]
        candidates = [
            atom
            for end in range(begin + 1, len(first) + 1)
            for atom in atoms.get(first[begin:end], ())
        ]
        nexts: list[tuple[float, State, Part, int]] = []
        others = list(zip(outputs, places, strict=True))[1:]
        for atom in candidates + empties:
            edges += 1
            for (output, place), text in zip(others, atom.texts[1:], strict=True):
                if not output.startswith(text, place):
                    break
            else:
                after = tuple(
                    [place + len(text) for place, text in zip(places, atom.texts, strict=True)]
                )
                reached = (after, failed | atom.fails)
                extra = atom.made.cost + PART_COST
                nexts.append((extra, reached, atom.made, silent & atom.silent))
        if not parts or isinstance(parts[-1], Expression):
            rest = [output[place:] for output, place in zip(outputs, places, strict=True)]
            shared = common_prefix(rest)[:MAX_CONSTANT]
            for width in range(1, len(shared) + 1):
                after = tuple(place + width for place in places)
                nexts.append((constant_cost(shared[:width]), (after, failed), shared[:width], 0))
        for extra, reached, part, quiet in nexts:
            if arrivals.get(reached, 0) < limit:
                serial += 1
                heapq.heappush(paths, (cost + extra, serial, reached, (*parts, part), quiet))
    ways = {id(atom.made): atom.others for same in atoms.values() for atom in same}
    ranked = [_harmonise(one, ways) for one in found]
    return sorted(ranked, key=lambda one: one.cost)


def _harmonise(one: Concatenation, ways: Mapping[int, Sequence[Expression]]) -> Concatenation:
    """The same texts by ways that have more in common, where that is cheaper on the whole."""
    parts = list(one.parts)
    cost = true_cost(one.expressions) + _rest_cost(parts)
    if len(one.expressions) > 1:
        for place, part in enumerate(one.parts):
            if isinstance(part, str):
                continue
            for other in ways.get(id(part), ()):
                changed = [*parts[:place], other, *parts[place + 1 :]]
                made = [each for each in changed if isinstance(each, Expression)]
                price = true_cost(made) + _rest_cost(changed)
                if price < cost:
                    parts, cost = changed, price
    return Concatenation(tuple(parts), cost)


def _rest_cost(parts: Sequence[Part]) -> float:
    return sum(constant_cost(part) if isinstance(part, str) else PART_COST for part in parts)
