"""Solves for a text by example: finds programs that write the wanted outputs from the inputs.

Searches with a few varied examples, checks on all, and searches again with what went wrong.
Deterministic: its effort is counted in steps, never in seconds. Uses no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.synthesis.by_example.branches import BranchSearch
from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.concatenation import constant_cost
from workbench.synthesis.by_example.expression import Expression, Kind
from workbench.synthesis.by_example.pool import Source, grow_pool
from workbench.synthesis.by_example.program import Branch, Program, Row, read_row
from workbench.synthesis.by_example.subsets import varied_subset
from workbench.synthesis.by_example.writing import write_program
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import FieldKind, InputField
from workbench.synthesis.strategy import Progress

SUBSET = 5
ROUNDS = 5
BUDGET = 36_000  # steps tried per round, over three examples' worth of values
GOOD_ENOUGH = 0.97
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
    usable = [field for field in fields if field.kind is not FieldKind.OTHER]
    if not usable or not any(values):
        return []
    search = TextSearch.over(inputs, values, usable, seed)
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
    right: dict[Program, list[bool]]

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
        if absent is None and any(value == "" for value in values):
            outputs = list(values)
        texts = [n for n, field in enumerate(fields) if field.kind is FieldKind.TEXT]
        unchanged = None
        if len(texts) == 1 and absent == "" and all(outputs) and len(fields) == 1:
            given = [len(str(row[texts[0]])) for row in rows]
            kept = [min(n, len(str(o))) for n, o in zip(given, outputs, strict=True)]
            if sum(kept) >= 0.7 * sum(given):
                unchanged = texts[0]
        return TextSearch(rows, outputs, fields, seed, absent, unchanged, {})

    def run(self, progress: Progress) -> list[Program]:
        """Programs, best first: by the examples they get right, then by their cost."""
        chosen = varied_subset(self.rows, self.outputs, SUBSET, self.seed)
        best: list[Program] = []
        for turn in range(ROUNDS):
            progress(f"searching with {len(chosen)} of {len(self.rows)} examples")
            best = self._merge(best, self._search(chosen))
            if not best:
                break
            wrong = [i for i, ok in enumerate(self.judge(best[0])) if not ok and i not in chosen]
            if not wrong or turn + 1 == ROUNDS:
                break
            chosen = sorted({*chosen, *wrong[:1]})
        return best

    def _merge(self, old: Sequence[Program], new: Sequence[Program]) -> list[Program]:
        both = dict.fromkeys([*old, *new])
        return sorted(both, key=lambda one: (-sum(self.judge(one)), one.cost))

    def _search(self, chosen: Sequence[int]) -> list[Program]:
        rows = [self.rows[index] for index in chosen]
        outputs = [self.outputs[index] for index in chosen]
        if not any(outputs):
            return []
        pool = grow_pool(
            sources(rows, self.fields), Clues(tuple(outputs)), BUDGET * 3 // max(3, len(rows))
        )
        search = BranchSearch(pool, rows, outputs, self.fields)
        everything = tuple(range(len(rows)))
        ways = search.ways(everything, limit=6)
        programs = [self._program([Branch(None, way)]) for way in ways]
        if not programs or programs[0].cost > SIMPLE:
            limit = programs[0].cost if programs else 400.0
            branches = search.branch(everything, limit, 1)
            if branches is not None:
                programs.append(self._program(branches))
        return list(dict.fromkeys(programs))

    def _program(self, branches: Sequence[Branch]) -> Program:
        silent = any(output is None for output in self.outputs)
        return Program(tuple(branches), self.absent, self.absent_field, silent)

    def judge(self, program: Program) -> list[bool]:
        """For each example whether the program gets it right."""
        if program not in self.right:
            wanted = [self.absent if output is None else output for output in self.outputs]
            self.right[program] = [
                program.answer(row) == output for row, output in zip(self.rows, wanted, strict=True)
            ]
        return self.right[program]

    def write(self, program: Program, function: str) -> RankedFragment:
        """The program as Python, with what it covers in its comments and notes."""
        right = self.judge(program)
        total = len(right)
        took = [program.choose(row) for row in self.rows]
        covered = [number for number, ok in zip(took, right, strict=True) if ok]
        comments = [
            f"{covered.count(number)} of {total} examples"
            for number in range(len(program.branches))
        ]
        if len(program.branches) == 1:
            comments = [""]
        about = f"Found by example: right on {sum(right)} of {total}."
        fragment = write_program(program, self.fields, function, about, comments)
        wrong = [index for index, ok in enumerate(right) if not ok]
        notes = [f"Right on {sum(right)} of {total} examples."]
        if wrong:
            rows = ", ".join(str(index + 1) for index in wrong[:10])
            notes.append(f"Contradicted by example{'s' if len(wrong) > 1 else ''} {rows}.")
        bits = sum(constant_cost(output) for output in self.outputs if output)
        prior = min(0.95, max(0.1, 1.0 - program.cost / max(bits, 1.0)))
        score = (sum(right) + 2 * prior - 2 * (len(wrong) > 0)) / (total + 2)
        many = len(program.branches)
        title = "one expression" if many == 1 else f"{many} branches"
        return RankedFragment(
            replace(fragment, notes=tuple(notes)), max(0.0, score), title, tuple(notes), program
        )


def sources(rows: Sequence[Row], fields: Sequence[InputField]) -> list[Source]:
    """The input fields as expressions, with their values in these rows."""
    found: list[Source] = []
    cost = 0.0 if len(fields) == 1 else 1.0
    for number, field in enumerate(fields):
        values = tuple(row[number] for row in rows)
        if field.kind in (FieldKind.TEXT, FieldKind.CATEGORY):
            texts = tuple(value if isinstance(value, str) else None for value in values)
            found.append((Expression(Kind.TEXT, cost, field.path[-1], number), texts))
        elif field.kind is FieldKind.NUMBER:
            found.append((Expression(Kind.NUMBER, cost, field.path[-1], number), values))
    return found
