"""Checks what a task says of every answer, on examples and on inputs made by machine.

The expressions run in the sandbox, like the programs they judge.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.errors import InvalidInputError, Problem
from runtime.invariant import MODULES
from runtime.models import Example, Invariant, TaskSpecification
from runtime.sandbox import GateError, Program, Sandbox
from runtime.schema_check import SchemaCheck
from workbench.synthesis.made_inputs import make_inputs

MADE_INPUTS = 200
MAX_EXAMPLE_INPUTS = 1000
MAX_ROWS_NAMED = 10
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer of which an invariant does not hold; `error` where it could not be judged."""

    invariant: Invariant
    position: int
    input: Any
    output: Any
    error: str | None = None

    @property
    def sentence(self) -> str:
        why = f" (because {self.invariant.because})" if self.invariant.because else ""
        how = f"cannot be judged: {self.error}" if self.error else "does not hold"
        return (
            f"the invariant `{self.invariant.check}`{why} {how} for the input "
            f"{_shown(self.input)} and the output {_shown(self.output)}"
        )


class Invariants:
    """A task's invariants with the inputs that every candidate is tried on."""

    def __init__(
        self,
        task: TaskSpecification,
        sandbox: Sandbox,
        seed: int = 0,
        made_inputs: int = MADE_INPUTS,
    ) -> None:
        """Raises InvalidInputError where the sandbox refuses an expression."""
        self._sandbox = sandbox
        self._invariants = task.invariants
        self._fits = SchemaCheck(task.output_schema, "output_schema")
        self._programs = [
            _compile(invariant, number, sandbox) for number, invariant in enumerate(task.invariants)
        ]
        inputs = [example.input for example in task.examples[:MAX_EXAMPLE_INPUTS]]
        wanted = made_inputs if task.invariants else 0
        made = make_inputs(task.input_schema, inputs, wanted, seed)
        self._examples, self._made = len(inputs), len(made)
        self._inputs = [*inputs, *made]

    def __bool__(self) -> bool:
        return bool(self._invariants)

    def broken(self, pairs: Sequence[tuple[Any, Any]]) -> list[Broken]:
        """Where these pairs of input and output break an invariant, by invariant, in order."""
        asked = [{"input": given, "output": output} for given, output in pairs]
        found: list[Broken] = []
        for invariant, program in zip(self._invariants, self._programs, strict=True):
            results = self._sandbox.run(program, asked)
            for position, result in enumerate(results):
                if result.ok and result.output is True:
                    continue
                error = None if result.ok else str(result.error or result.status)
                found.append(Broken(invariant, position, *pairs[position], error))
        return found

    def objection(self, program: Program) -> str | None:
        """Why a program may not be chosen, with the input; None where all invariants hold.

        Inputs that it gives no answer to are passed over: there is nothing to judge. So are
        answers that break the output's schema: whoever serves it gives an error in their place.
        """
        if not self._invariants:
            return None
        results = self._sandbox.run(program, self._inputs)
        answered = [
            position
            for position, result in enumerate(results)
            if result.ok and not self._fits.errors(result.output)
        ]
        found = self.broken([(self._inputs[p], results[p].output) for p in answered])
        if not found:
            return None
        first = min(found, key=lambda own: own.position)
        where = (
            "an example's input" if answered[first.position] < self._examples else "a made input"
        )
        more = f"; {len(found) - 1} more" if len(found) > 1 else ""
        return f"on {where}, {first.sentence}{more}"

    def report(self) -> dict[str, Any]:
        """What the evaluation report says of a program that was chosen."""
        return {
            "hold": [invariant.check for invariant in self._invariants],
            "example_inputs": self._examples,
            "made_inputs": self._made,
        }


def check_examples_hold(
    invariants: Invariants, examples: Iterable[Example], file: Path | str
) -> None:
    """Raises InvalidInputError naming the rows whose own output breaks an invariant."""
    rows = list(examples)
    found = invariants.broken([(example.input, example.output) for example in rows])
    if not found:
        return
    found.sort(key=lambda own: own.position)
    problems = [
        Problem(
            f"{own.sentence}.",
            file,
            own.position + 1,
            "output",
            "Correct the example, or the invariant in task.yaml.",
        )
        for own in found[:MAX_ROWS_NAMED]
    ]
    if len(found) > MAX_ROWS_NAMED:
        problems.append(Problem(f"{len(found) - MAX_ROWS_NAMED} more examples break one.", file))
    raise InvalidInputError(problems)


def _compile(invariant: Invariant, number: int, sandbox: Sandbox) -> Program:
    tree = ast.parse(invariant.check.strip(), mode="eval")
    # `input` is a function's name to the gate, so the two are renamed.
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ("input", "output"):
            node.id = f"{node.id}_value"
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    source = "\n".join(
        [
            *(f"import {module}" for module in MODULES if module in named),
            "def run(input_data):",
            '    input_value = input_data["input"]',
            '    output_value = input_data["output"]',
            f"    return bool({ast.unparse(tree)})",
        ]
    )
    try:
        return sandbox.load(source + "\n")
    except GateError as refused:
        raise InvalidInputError(
            Problem(
                f"the sandbox refuses `{invariant.check}`: {refused.problems[0].message}",
                "task.yaml",
                field=f"invariants.{number}",
            )
        ) from None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 4]} ..."
