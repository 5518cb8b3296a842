"""Solves for a text by example: finds programs that write the wanted outputs from the inputs.

Searches with a few varied examples, checks on all, and searches again with what went wrong.
Deterministic: its effort is counted in steps, never in seconds. Uses no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.synthesis.by_example.branches import BranchSearch
from workbench.synthesis.by_example.clues import Clues, shape_of
from workbench.synthesis.by_example.concatenation import Concatenation, Shelf, constant_cost
from workbench.synthesis.by_example.cover import arrange_branches
from workbench.synthesis.by_example.lookups import learn_lookups
from workbench.synthesis.by_example.pool import grow_pool, sources
from workbench.synthesis.by_example.program import Branch, Program, Row, read_row
from workbench.synthesis.by_example.subsets import varied_subset
from workbench.synthesis.by_example.writing import write_program
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import FieldKind, InputField
from workbench.synthesis.strategy import Progress

FEW = 8  # examples up to which every one takes part in the search
SUBSET = 5
ROUNDS = 6
GOOD_ENOUGH = 0.97  # share of examples above which the others may be mistakes
GROUP_SUBSET = 4
GROUP_ROUNDS = 3
MAX_GROUPS = 10
BUDGET = 75_000  # applications of a step to a value, each time a pool is grown
GROUP_BUDGET = 45_000
LIMIT = 5
SIMPLE = 14.0  # bits below which a single branch is not worth splitting


def solve_text(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[str | None],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    progress: Progress = lambda message: None,
) -> list[RankedFragment]:
    """Programs that give `values[i]` for `inputs[i]`, best first; none where nothing is found.

    A value of None, or an empty text, says that the input holds no such thing. The fragments'
    function is named `function`.
    """
    if not fields or not any(values):
        return []
    search = TextSearch.over(inputs, values, fields, seed)
    found = search.run(progress)
    return [search.write(program, function) for program in found[:LIMIT]]


@dataclass
class TextSearch:
    """The examples as rows, and what an absent answer is among them."""

    rows: list[Row]
    outputs: list[str | None]  # None where the answer is absent
    fields: Sequence[InputField]
    seed: int
    absent: str | None
    absent_field: int | None
    bodies: dict[Concatenation, int] = field(default_factory=dict)  # body -> rows it is right on

    @staticmethod
    def over(
        inputs: Sequence[Mapping[str, Any]],
        values: Sequence[str | None],
        fields: Sequence[InputField],
        seed: int,
    ) -> TextSearch:
        rows = [read_row(data, fields) for data in inputs]
        absent = None if any(value is None for value in values) else ""
        outputs = [value if value else None for value in values]
        texts = [n for n, one in enumerate(fields) if one.kind is FieldKind.TEXT]
        unchanged = None
        if len(texts) == 1 and absent == "" and all(outputs) and len(fields) == 1:
            given = [len(str(row[texts[0]])) for row in rows]
            kept = [min(n, len(str(o))) for n, o in zip(given, outputs, strict=True)]
            if sum(kept) >= 0.7 * sum(given):
                unchanged = texts[0]
        return TextSearch(rows, outputs, fields, seed, absent, unchanged)

    def run(self, progress: Progress) -> list[Program]:
        """Programs, best first: by the examples they get right, then by their cost."""
        everything = list(range(len(self.rows)))
        if len(self.rows) <= FEW:
            progress(f"searching with {len(self.rows)} examples")
            programs = self._search_few(everything)
        else:
            programs = self._search_many(everything, progress)
        return sorted(dict.fromkeys(programs), key=lambda one: (-self._worth(one), one.cost))

    def _worth(self, program: Program) -> float:
        """Right answers, less what further branches must be worth to be believed.

        With few examples that is for their cost to say.
        """
        each = 0.3 if len(self.rows) > FEW else 0.0
        return sum(self.judge(program)) - each * (len(program.branches) - 1)

    def _search_few(self, chosen: Sequence[int]) -> list[Program]:
        """Straight programs, and branches where those are missing or far-fetched."""
        search, lookups = self._start(chosen, BUDGET)
        everything = tuple(range(len(chosen)))
        programs = [self._program([Branch(None, way)]) for way in search.ways(everything, limit=4)]
        programs += [self._program([Branch(None, body)]) for body in lookups]
        programs.sort(key=lambda one: one.cost)
        if not programs or programs[0].cost > SIMPLE:
            limit = programs[0].cost if programs else 400.0
            branches = search.branch(everything, limit, 1)
            if branches is not None:
                programs.append(self._program(branches))
        return programs

    def _start(
        self, chosen: Sequence[int], budget: int
    ) -> tuple[BranchSearch, list[Concatenation]]:
        """A search over these rows, and the tables that could be learned from them."""
        rows = [self.rows[index] for index in chosen]
        outputs = [self.outputs[index] for index in chosen]
        forms = {tuple(shape_of(value) for value in row) for row in rows}
        written = {shape_of(output) for output in outputs if output is not None}
        unifies = len(forms) > 1 and len(written) == 1 and all(map(_is_mostly_digits, rows))
        clues = Clues(tuple(outputs), unifies)
        pool = grow_pool(sources(rows, self.fields), clues, budget // max(3, len(rows)))
        lookups = [Concatenation((made,), made.cost) for made in learn_lookups(pool, outputs)]
        return BranchSearch(Shelf.over(pool, outputs), rows, outputs, self.fields), lookups

    def _search_many(self, everything: Sequence[int], progress: Progress) -> list[Program]:
        """Straight programs for all, then for groups of examples, told apart by tests."""
        progress(f"searching with some of {len(everything)} examples")
        self._straight(everything, SUBSET, ROUNDS, BUDGET)
        left = set(everything) - self._rows_of(self._best_right())
        if left and not self._are_stray(left):
            for number, group in enumerate(self._groups(everything, left)):
                progress(f"searching for group {number + 1} of {len(group)} examples")
                self._straight(group, GROUP_SUBSET, GROUP_ROUNDS, GROUP_BUDGET)
        ranked = sorted(self.bodies, key=lambda body: (-self.bodies[body].bit_count(), body.cost))
        programs = [self._program([Branch(None, body)]) for body in ranked[:LIMIT]]
        if ranked and self._best_share(everything) < 1.0:
            absent = Concatenation((), 1.0)
            kept = [*ranked[:40], absent]
            right = [self.bodies[body] for body in ranked[:40]]
            right.append(sum(1 << n for n, output in enumerate(self.outputs) if output is None))
            programs.append(self._program(arrange_branches(self.rows, kept, right, self.fields)))
        return programs

    def _are_stray(self, left: set[int]) -> bool:
        """Whether these few rows have too little in common to be more than mistakes."""
        few = len(left) <= (1.0 - GOOD_ENOUGH) * len(self.rows)
        return few and len(self._commonest(sorted(left))) < 3

    def _best_right(self) -> int:
        return max(self.bodies.values(), key=int.bit_count, default=0)

    def _best_share(self, rows: Sequence[int]) -> float:
        return self._best_right().bit_count() / len(rows)

    def _rows_of(self, bits: int) -> set[int]:
        return {number for number in range(len(self.rows)) if bits >> number & 1}

    def _straight(self, group: Sequence[int], size: int, rounds: int, budget: int) -> None:
        """Keeps straight programs for these rows, searching again with what they get wrong.

        An example with which nothing is found any more is left out from then on.
        """
        rows = [self.rows[index] for index in group]
        outputs = [self.outputs[index] for index in group]
        chosen = [group[index] for index in varied_subset(rows, outputs, size, self.seed)]
        inside = sum(1 << index for index in group)
        refused: set[int] = set()
        added: int | None = None
        best = 0
        for _ in range(rounds):
            if all(self.outputs[index] is None for index in chosen):
                return
            search, lookups = self._start(chosen, budget)
            ways = [*search.ways(tuple(range(len(chosen))), limit=4), *lookups]
            for way in ways:
                self._keep(way)
            right = max((self.bodies[way] & inside for way in ways), key=int.bit_count, default=0)
            best = max(best, right, key=int.bit_count)
            # What is right on nothing but the rows it was made from has learned them by heart.
            by_heart = not right & ~sum(1 << index for index in chosen)
            if not ways or (by_heart and len(chosen) < len(group)):
                if added is not None:
                    chosen = [index for index in chosen if index != added]
                    refused.add(added)
                else:
                    alike = self._commonest(group)
                    if alike == chosen:
                        return
                    chosen = alike
                    continue
            wrong = [index for index in group if not best >> index & 1]
            wrong = [index for index in wrong if index not in chosen and index not in refused]
            if not wrong:
                wrong = self._wrong_of_simplest(group, chosen)
            if not wrong:
                return
            added = self._commonest(wrong)[0]
            chosen = sorted({*chosen, added})

    def _commonest(self, group: Sequence[int]) -> list[int]:
        """Three rows at most of the shape that most of these rows have."""
        by_shape: dict[tuple[str, ...], list[int]] = {}
        for index in group:
            key = (*self._shape(index), shape_of(self.outputs[index]))
            by_shape.setdefault(key, []).append(index)
        return max(by_shape.values(), key=len)[:3]

    def _wrong_of_simplest(self, group: Sequence[int], chosen: Sequence[int]) -> list[int]:
        """What the simplest body gets wrong that is nearly always right: it may have a still
        better relation than the one found."""
        inside = sum(1 << index for index in group)
        full = [body for body, right in self.bodies.items() if right & inside == inside]
        near = [
            body
            for body, right in self.bodies.items()
            if (right & inside).bit_count() >= 0.85 * len(group)
        ]
        simplest = min(near, key=lambda body: body.cost, default=None)
        best = min((body.cost for body in full), default=0.0)
        if simplest is None or simplest.cost + 2.0 >= best:
            return []
        right = self.bodies[simplest]
        return [index for index in group if not right >> index & 1 and index not in chosen]

    def _shape(self, index: int) -> tuple[str, ...]:
        return tuple(shape_of(value) for value in self.rows[index])

    def _keep(self, body: Concatenation) -> None:
        if body not in self.bodies:
            right = self.judge(self._program([Branch(None, body)]))
            self.bodies[body] = sum(1 << number for number, ok in enumerate(right) if ok)

    def _groups(self, everything: Sequence[int], left: set[int]) -> list[list[int]]:
        """Rows that may share a sub-program: of one category, of one shape, those still wrong."""
        groups: dict[tuple[int, ...], None] = {}
        for number, one in enumerate(self.fields):
            if one.kind in (FieldKind.CATEGORY, FieldKind.BOOLEAN):
                by_value: dict[Any, list[int]] = {}
                for index in everything:
                    by_value.setdefault(self.rows[index][number], []).append(index)
                if len(by_value) <= 8:
                    groups.update(dict.fromkeys(tuple(rows) for rows in by_value.values()))
        by_shape: dict[tuple[str, ...], list[int]] = {}
        for index in sorted(left):
            by_shape.setdefault(self._shape(index), []).append(index)
        ranked = sorted(by_shape.values(), key=lambda rows: -len(rows))
        groups.update(dict.fromkeys(tuple(rows) for rows in ranked if len(rows) >= 2))
        groups.setdefault(tuple(sorted(left)))
        useful = [list(rows) for rows in groups if len(rows) >= 2]
        return useful[:MAX_GROUPS]

    def _program(self, branches: Sequence[Branch]) -> Program:
        silent = any(output is None for output in self.outputs)
        return Program(tuple(branches), self.absent, self.absent_field, silent)

    def judge(self, program: Program) -> list[bool]:
        """For each example whether the program gets it right."""
        wanted = [self.absent if output is None else output for output in self.outputs]
        return [
            program.answer(row) == output for row, output in zip(self.rows, wanted, strict=True)
        ]

    def write(self, program: Program, function: str) -> RankedFragment:
        """The program as Python, with what it covers in its comments and notes."""
        right = self.judge(program)
        total = len(right)
        took = [program.choose(row) for row in self.rows]
        covered = [number for number, ok in zip(took, right, strict=True) if ok]
        many = len(program.branches)
        comments = [
            f"{covered.count(number)} of {total} examples" if many > 1 else ""
            for number in range(many)
        ]
        about = f"Found by example: right on {sum(right)} of {total}."
        fragment = write_program(program, self.fields, function, about, comments)
        wrong = [str(index + 1) for index, ok in enumerate(right) if not ok]
        notes = [f"Right on {sum(right)} of {total} examples."]
        if wrong and len(wrong) <= max(3, total // 20):
            notes.append(f"Contradicted by: example {', '.join(wrong)}.")
        bits = sum(constant_cost(output) for output in self.outputs if output)
        prior = min(0.95, max(0.1, 1.0 - program.cost / max(bits, 1.0)))
        score = max(0.0, (sum(right) + 2 * prior - 2 * bool(wrong)) / (total + 2))
        title = "one expression" if many == 1 else f"{many} branches"
        return RankedFragment(
            replace(fragment, notes=tuple(notes)), score, title, tuple(notes), program
        )


def _is_mostly_digits(row: Row) -> bool:
    joined = "".join(value for value in row if isinstance(value, str))
    digits = sum(mark.isdigit() for mark in joined)
    return 3 * sum(mark.isalpha() for mark in joined) <= digits
