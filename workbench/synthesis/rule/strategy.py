"""The rule strategy: programs of readable rules, formulas and patterns, made from examples."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from runtime.models import Example, Strategy, TaskSpecification
from workbench.synthesis.fragment import Fragment, RankedFragment, write_program
from workbench.synthesis.kinds import OutputKind, Path, input_fields, output_kind
from workbench.synthesis.rule.columns import solve_column
from workbench.synthesis.rule.output_tree import read_outputs, schema_at
from workbench.synthesis.rule.python_source import identifier
from workbench.synthesis.strategy import Candidate, NotApplicableError, Progress

FUNCTIONS = {
    OutputKind.CLASS: "classify",
    OutputKind.NUMBER: "compute",
    OutputKind.TEXT: "write_text",
    OutputKind.OTHER: "find",
}


class RuleStrategy:
    """Induces rules for classes and solves texts, numbers and objects by example."""

    name = Strategy.RULE

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterable[Candidate]:
        """Candidates, best guess first.

        Raises NotApplicableError when no program was found for the output or a part of it.
        """
        if not train:
            raise NotApplicableError("there are no examples to learn from")
        outputs = [example.output for example in train]
        kind = output_kind(task.output_schema, outputs)
        if kind is OutputKind.OBJECT:
            return [_object_candidate(task, train, seed, progress)]
        found = solve_column(
            [example.input for example in train],
            outputs,
            task.output_schema,
            input_fields(task, train),
            function=FUNCTIONS[kind],
            seed=seed,
            prefix="",
            progress=progress,
        )
        if not found:
            raise NotApplicableError(
                f"no rule or formula was found that gives the outputs of the {len(train)} examples"
            )
        return [_candidate(task, each.fragment, each.title, each.notes, each) for each in found]


def _object_candidate(
    task: TaskSpecification, train: Sequence[Example], seed: int, progress: Progress
) -> Candidate:
    """One program that fills each field of the output by its own best fragment."""
    inputs = [example.input for example in train]
    fields = input_fields(task, train)
    tree = read_outputs([example.output for example in train], task.output_schema)
    parts: dict[Path, RankedFragment] = {}
    for path, values in tree.leaves.items():
        dotted = ".".join(path)
        found = solve_column(
            inputs,
            values,
            schema_at(task.output_schema, path),
            fields,
            function=_function_name(path, [part.fragment.function for part in parts.values()]),
            seed=seed,
            progress=_about(dotted, progress),
        )
        if not found:
            raise NotApplicableError(
                f"no rule or pattern was found that gives the output's field {dotted!r}"
            )
        parts[path] = found[0]
    if not parts:
        raise NotApplicableError("the outputs are objects with nothing in them")
    fragments = {path: part.fragment for path, part in parts.items()}
    notes = [
        f"{'.'.join(path)}: {part.title}. {' '.join(part.notes)}" for path, part in parts.items()
    ]
    about = "Each field of the output has its own rules."
    source = write_program(task, fragments, about, left_out=tree.left_out, nulled=tree.nulled)
    estimated = {".".join(path): round(part.score, 4) for path, part in parts.items()}
    return Candidate(
        Strategy.RULE,
        f"{len(parts)} fields",
        source,
        tuple(notes),
        parameters={"estimated_accuracy": estimated},
    )


def _about(field: str, progress: Progress) -> Progress:
    return lambda message: progress(f"{field}: {message}")


def _function_name(path: Path, others: Collection[str]) -> str:
    """A function's name such that no name made from it is one made from another's."""
    tail = identifier("_".join(path), "field")
    verbs = itertools.chain(["find"], (f"find{number}" for number in itertools.count(2)))
    for verb in verbs:
        name = f"{verb}_{tail}"
        if not any(
            f"{name}_".startswith(f"{o}_") or f"{o}_".startswith(f"{name}_") for o in others
        ):
            return name
    raise AssertionError("there are more verbs than names")


def _candidate(
    task: TaskSpecification,
    parts: Fragment | Mapping[Path, Fragment],
    title: str,
    notes: Sequence[str],
    ranked: RankedFragment,
) -> Candidate:
    parameters: dict[str, Any] = {"estimated_accuracy": round(ranked.score, 4)}
    source = write_program(task, parts, " ".join(notes))
    return Candidate(Strategy.RULE, title, source, tuple(notes), parameters=parameters)
