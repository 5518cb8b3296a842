"""An embedded strategy given the model's signs as further fields of the input.

The strategy decides which of them it uses; where it uses none, its program is as without.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime.models import Example, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.by_model.calls import ModelCalls, ModelUnavailableError
from workbench.synthesis.by_model.shares import Purse
from workbench.synthesis.by_model.signs import (
    IMPORTS,
    Sign,
    program_of,
    propose_signs,
    reading_code,
)
from workbench.synthesis.by_model.trial import mixed
from workbench.synthesis.kinds import (
    InputField,
    OutputKind,
    class_label,
    input_fields,
    output_kind,
)
from workbench.synthesis.strategy import (
    Candidate,
    NotApplicableError,
    Progress,
    SynthesisStrategy,
)

FIELD = "model_signs"
MAX_KEPT = 24
MAX_TRIED_ON = 400
LEAST_FOUND = 2
# How much more often than in all examples its class must be where a sign is found.
LEAST_LIFT = 1.1
# A pattern that is slow on long input is a trap for whoever serves the program.
STRESS_CHARACTERS = 20_000
MAX_STRESS_MS = 50.0
RUN = re.compile(r"^def run\(input_data\):$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KeptSign:
    """A sign with its figures on training examples: how many it is found in, and in what share
    of those its class is right."""

    sign: Sign
    found: int
    precision: float

    def in_words(self, examples: int) -> str:
        share = f"{self.found / examples:.0%} of the examples, {self.precision:.0%} of them"
        return f"{self.sign.about}: found in {share} {self.sign.label}"


class WithSigns:
    """`inner` proposes on inputs that hold the signs kept; its program then computes them."""

    def __init__(
        self, inner: SynthesisStrategy, calls: ModelCalls, sandbox: Sandbox, purse: Purse
    ) -> None:
        self.name = inner.name
        self.title = f"{inner.name} with the model's signs"
        self._inner = inner
        self._calls = calls
        self._sandbox = sandbox
        self._purse = purse

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterator[Candidate]:
        """See `SynthesisStrategy.propose`."""
        if output_kind(task.output_schema, [e.output for e in train]) is not OutputKind.CLASS:
            raise NotApplicableError("signs speak for classes, and the output is none")
        fields = input_fields(task, train)
        proposed: list[Sign] = []
        ended = ""
        with self._purse.session():
            try:
                # One by one: what came before the budget was spent is kept.
                proposed.extend(
                    propose_signs(self._calls, task, _labels(task, train), fields, progress)
                )
            except ModelUnavailableError as end:
                ended = str(end)
                progress(f"stops asking: {end}")
        kept = self._keep(proposed, fields, train, seed)
        progress(f"keeps {len(kept)} of {len(proposed)} signs")
        if not kept:
            raise NotApplicableError(_why_none(len(proposed), ended))
        signs = [each.sign for each in kept]
        wider, examples = self._widened(task, signs, fields, train)
        for candidate in self._inner.propose(wider, examples, seed=seed, progress=progress):
            yield self._narrowed(candidate, kept, fields, len(train))

    def _keep(
        self,
        proposed: Iterable[Sign],
        fields: Sequence[InputField],
        train: Sequence[Example],
        seed: int,
    ) -> list[KeptSign]:
        """Signs found in a few examples at least, where their class is the more frequent."""
        some = mixed(train, seed)[:MAX_TRIED_ON]
        labels = [class_label(example.output) for example in some]
        shares = Counter(labels)
        kept: dict[tuple[int, ...], KeptSign] = {}
        for sign in proposed:
            values = self._read([sign], fields, [example.input for example in some])
            if values is None:
                continue
            column = tuple(row[sign.name] for row in values)
            found = [label for value, label in zip(column, labels, strict=True) if value]
            if not LEAST_FOUND <= len(found) < len(some):
                continue
            precision = found.count(sign.label) / len(found)
            if precision < LEAST_LIFT * shares[sign.label] / len(some):
                continue
            if column not in kept and self._is_quick(sign, fields, some):
                kept[column] = KeptSign(sign, len(found), precision)
        best = sorted(kept.values(), key=lambda each: -each.precision * each.found**0.5)
        return best[:MAX_KEPT]

    def _read(
        self, signs: Sequence[Sign], fields: Sequence[InputField], inputs: Sequence[Any]
    ) -> list[dict[str, int]] | None:
        """The signs of each input; None when a program of them does not answer every one."""
        program = self._sandbox.load(program_of(signs, fields))
        first = self._sandbox.run(program, inputs[:1])
        if not all(result.ok for result in first):
            return None
        results = [*first, *self._sandbox.run(program, inputs[1:])]
        return [result.output for result in results] if all(r.ok for r in results) else None

    def _is_quick(
        self, sign: Sign, fields: Sequence[InputField], examples: Sequence[Example]
    ) -> bool:
        """Whether it answers a very long input in time."""
        program = self._sandbox.load(program_of([sign], fields))
        longest = max(examples, key=lambda example: len(str(example.input)))
        results = self._sandbox.run(program, [_stretched(longest.input)])
        return all(result.ok and result.latency_ms <= MAX_STRESS_MS for result in results)

    def _widened(
        self,
        task: TaskSpecification,
        signs: Sequence[Sign],
        fields: Sequence[InputField],
        train: Sequence[Example],
    ) -> tuple[TaskSpecification, list[Example]]:
        values = self._read(signs, fields, [example.input for example in train])
        if values is None:
            raise NotApplicableError("the model's signs do not answer every training example")
        examples = [
            example.model_copy(update={"input": {**example.input, FIELD: row}})
            for example, row in zip(train, values, strict=True)
        ]
        schema = task.input_schema
        described = {sign.name: {"type": "integer"} for sign in signs}
        inner = {"type": "object", "properties": described}
        wider = {**schema, "properties": {**schema.get("properties", {}), FIELD: inner}}
        return task.model_copy(update={"input_schema": wider, "examples": ()}), examples

    def _narrowed(
        self,
        candidate: Candidate,
        kept: Sequence[KeptSign],
        fields: Sequence[InputField],
        examples: int,
    ) -> Candidate:
        used = [each for each in kept if each.sign.name in candidate.source]
        model = self._calls.choice.name
        if not used:
            return replace(candidate, helped_by=model)
        count = f"{len(used)} sign{'s' if len(used) > 1 else ''}"
        return replace(
            candidate,
            label=f"{candidate.label}, with {count} by {model}",
            source=with_signs(candidate.source, [each.sign for each in used], fields),
            notes=(
                *candidate.notes,
                *(f"Sign by {model}, {each.in_words(examples)}." for each in used),
            ),
            dsl=None,
            parameters={**candidate.parameters, "model": model, "signs": len(used)},
            helped_by=model,
        )


def with_signs(source: str, signs: Sequence[Sign], fields: Sequence[InputField]) -> str:
    """A program that reads the signs of its input and then does what `source` does.

    Raises NotApplicableError where the two cannot be joined.
    """
    inner, replaced = RUN.subn("def decide(input_data):", source)
    reading = reading_code(signs, fields)
    if replaced != 1 or _names(inner) & _names(reading):
        raise NotApplicableError("the program and the model's signs use the same names")
    needed = [name for name in IMPORTS if re.search(rf"\b{name}\.", reading)]
    present = {
        alias.name
        for node in ast.parse(inner).body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    lines = "".join(f"import {name}\n" for name in needed if name not in present)
    head, rest = _after_docstring(inner)
    run = f'''def run(input_data):
    return decide({{**input_data, "{FIELD}": read_signs(input_data)}})
'''
    return f"{head}{lines}{rest.strip()}\n\n\n{reading}\n\n\n{run}"


def _after_docstring(source: str) -> tuple[str, str]:
    first = ast.parse(source).body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return "", source
    lines = source.split("\n")
    return "\n".join(lines[: first.end_lineno]) + "\n\n", "\n".join(lines[first.end_lineno :])


def _names(source: str) -> set[str]:
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return found


def _labels(task: TaskSpecification, train: Sequence[Example]) -> list[Any]:
    """The classes: those the schema names, or those in the examples, in a fixed order."""
    named = task.output_schema.get("enum")
    if isinstance(named, list):
        return named
    by_label = {class_label(example.output): example.output for example in train}
    return [by_label[label] for label in sorted(by_label)]


def _stretched(value: Any) -> Any:
    """An input whose texts are repeated until they are very long."""
    if isinstance(value, str) and value:
        return value * (STRESS_CHARACTERS // len(value) + 1)
    if isinstance(value, dict):
        return {key: _stretched(inner) for key, inner in value.items()}
    return value


def _why_none(proposed: int, ended: str) -> str:
    if not proposed:
        return ended or "the model proposed no sign that can be used"
    return f"none of the model's {proposed} signs tells anything" + (f"; {ended}" if ended else "")
