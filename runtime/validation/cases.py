"""What oracles have confirmed of a task: inputs with their right outputs, and who says so.

Reads only. Each input counts once; oracles that disagree about one are reported and left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.data_dir import DataDir
from runtime.models import Example, TaskSpecification
from runtime.schema_check import SchemaCheck
from runtime.strict_json import canonical
from runtime.validation.exact import matches
from runtime.validation.oracles import PERSON
from runtime.validation.settle import read_validations

#: One input in so many is never learned from, so that versions can be compared on it.
HELD_OUT_ONE_IN = 4
#: The newest inputs that are looked at: each is run again, by two versions.
MOST_CASES = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """One input and what is right for it. `origin` says which execution and oracle it is from."""

    input: Mapping[str, Any]
    expected: Any
    origin: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for equal inputs, on every machine."""
        return hashlib.sha256(canonical(self.input).encode()).hexdigest()

    @property
    def held_out(self) -> bool:
        """Whether it is kept for judging: by its input alone, so it stays so for ever."""
        return int(self.key[:8], 16) % HELD_OUT_ONE_IN == 0

    def as_example(self) -> Example:
        return Example(input=dict(self.input), output=self.expected, origin=dict(self.origin))


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One input for which different outputs are claimed, each with who claims it."""

    input: Mapping[str, Any]
    claims: tuple[tuple[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        claims = [{"by": by, "output": output} for by, output in self.claims]
        return {"input": self.input, "claims": claims}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The cases of a task, those that contradict an example or each other left out."""

    cases: tuple[Case, ...]
    contradictions: tuple[Contradiction, ...]


def confirmed_cases(data_dir: DataDir, task: TaskSpecification) -> Confirmed:
    """All that validation has found, oldest first. Raises OSError."""
    return confirm(read_validations(data_dir, task.name), task)


def confirm(lines: Iterable[Mapping[str, Any]], task: TaskSpecification) -> Confirmed:
    """Lines of validations as cases. A person goes before any other oracle."""
    check_input = SchemaCheck(task.input_schema, "input_schema")
    check_output = SchemaCheck(task.output_schema, "output_schema")

    def is_sound(line: Mapping[str, Any]) -> bool:
        # The schemas may have changed since, and erased lines hold neither.
        return (
            isinstance(line.get("input"), dict)
            and "oracle_output" in line
            and check_input.is_valid(line["input"])
            and check_output.is_valid(line["oracle_output"])
        )

    by_input: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        if is_sound(line):
            by_input[canonical(line["input"])].append(line)
    for key in list(by_input)[:-MOST_CASES]:
        del by_input[key]
    examples = {canonical(example.input): example for example in task.examples}
    cases: list[Case] = []
    contradictions: list[Contradiction] = []
    for key, found in by_input.items():
        people = [line for line in found if line.get("oracle") == PERSON]
        claims = people or found
        last = claims[-1]
        if not _agree(claims, task):
            contradictions.append(Contradiction(last["input"], _claims(claims)))
            continue
        example = examples.get(key)
        if example is not None and not _same(example.output, last["oracle_output"], task):
            claimed = (("examples.jsonl", example.output), *_claims(claims[-1:]))
            contradictions.append(Contradiction(last["input"], claimed))
            continue
        cases.append(Case(last["input"], last["oracle_output"], _origin(last)))
    return Confirmed(tuple(cases), tuple(contradictions))


def _agree(claims: Sequence[Mapping[str, Any]], task: TaskSpecification) -> bool:
    first = claims[0]["oracle_output"]
    return all(_same(first, claim["oracle_output"], task) for claim in claims[1:])


def _same(one: Any, other: Any, task: TaskSpecification) -> bool:
    return matches(one, other, task.output_schema)


def _claims(claims: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Any], ...]:
    named = {
        canonical([claim.get("oracle"), claim["oracle_output"]]): (
            str(claim.get("oracle")),
            claim["oracle_output"],
        )
        for claim in claims
    }
    return tuple(named.values())


def _origin(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "execution_id": line.get("execution_id"),
        "oracle": line.get("oracle"),
        "validated_at": line.get("validated_at"),
        "program_version": line.get("program_version"),
        "answered": line.get("output"),
    }
