"""What is wrong with a set of examples before any program is made from it. Decides nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from runtime.errors import InvalidInputError, Problem
from runtime.models import Example, TaskSpecification
from runtime.strict_json import canonical
from workbench.synthesis.kinds import OutputKind, class_label, output_kind

MIN_EXAMPLES = 3
MIN_PER_CLASS = 5
MAX_ROWS_NAMED = 10
#: In so many rows no field but a counter rises each time by chance.
MIN_COUNTED = 20


@dataclass(frozen=True, slots=True)
class CheckedExamples:
    """Sound examples, the group each belongs to, and what a person should know.

    Examples of one group have inputs that differ only in case and white space; a split
    never parts them.
    """

    examples: tuple[Example, ...]
    groups: tuple[str, ...]
    warnings: tuple[Problem, ...]
    kind: OutputKind


def check_examples(task: TaskSpecification, file: Path | str = "examples.jsonl") -> CheckedExamples:
    """Set contradictory examples aside and drop repeated ones, each with a warning.

    Raises InvalidInputError when nothing can be learned: too few examples, or one class only.
    """
    rows = list(enumerate(task.examples, start=1))
    warnings: list[Problem] = []
    rows, contradictions = _without_contradictions(rows)
    if contradictions:
        shown = "; ".join(
            f"rows {', '.join(map(str, numbers))} give {' and '.join(outputs)}"
            for numbers, outputs in contradictions[:MAX_ROWS_NAMED]
        )
        count = sum(len(numbers) for numbers, _ in contradictions)
        warnings.append(
            Problem(
                f"{count} examples contradict each other and are set aside: {shown}.",
                file,
                remedy="Correct the wrong ones.",
            )
        )
    rows, repeated = _without_repeats(rows)
    if repeated:
        named = ", ".join(map(str, repeated[:MAX_ROWS_NAMED]))
        more = "" if len(repeated) <= MAX_ROWS_NAMED else ", ..."
        warnings.append(
            Problem(
                f"{len(repeated)} rows repeat an earlier one and count once: {named}{more}.", file
            )
        )
    if len(rows) < MIN_EXAMPLES:
        raise InvalidInputError(
            [
                *warnings,
                Problem(
                    f"holds {len(rows)} usable examples; at least {MIN_EXAMPLES} are needed.",
                    file,
                    remedy='Add lines such as {"input": {...}, "output": ...}.',
                ),
            ]
        )
    kind = output_kind(task.output_schema, [example.output for _, example in rows])
    if kind is OutputKind.CLASS:
        warnings.extend(_class_warnings(task, rows, file, warnings))
    if counters := _counters(task.examples):
        warnings.append(
            Problem(
                f"{', '.join(counters)} only counts the examples up, and a program may learn "
                "that by mistake.",
                file,
                remedy="If it means nothing, leave it out of the inputs.",
            )
        )
    examples = tuple(example for _, example in rows)
    groups = tuple(loose_key(example.input) for example in examples)
    return CheckedExamples(examples, groups, tuple(warnings), kind)


Rows = list[tuple[int, Example]]


def _counters(examples: Sequence[Example]) -> list[str]:
    """Inputs that are whole numbers, each larger than the one before; never the only input."""
    names = list(examples[0].input)
    if len(examples) < MIN_COUNTED or len(names) < 2:
        return []
    return [name for name in names if _counts_up([each.input.get(name) for each in examples])]


def _counts_up(values: Sequence[Any]) -> bool:
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return len(whole) == len(values) and all(one < other for one, other in pairwise(whole))


def _class_warnings(
    task: TaskSpecification, rows: Rows, file: Path | str, earlier: Sequence[Problem]
) -> list[Problem]:
    counts = Counter(class_label(example.output) for _, example in rows)
    if len(counts) < 2:
        only = next(iter(counts))
        raise InvalidInputError(
            [
                *earlier,
                Problem(
                    f"all {len(rows)} examples have the output {only}; there is nothing to tell "
                    "apart.",
                    file,
                    remedy="Add examples of another class.",
                ),
            ]
        )
    warnings = []
    few = {label: count for label, count in counts.items() if count < MIN_PER_CLASS}
    if few:
        named = ", ".join(
            f"{label} ({_rows_of(rows, label)})" for label in sorted(few)[:MAX_ROWS_NAMED]
        )
        warnings.append(
            Problem(
                f"classes with fewer than {MIN_PER_CLASS} examples are hard to learn and "
                f"hardly measured: {named}.",
                file,
                remedy="Add more of them.",
            )
        )
    declared = {class_label(value) for value in task.output_schema.get("enum", [])}
    if absent := sorted(declared - counts.keys()):
        warnings.append(
            Problem(
                f"no example has the output {', '.join(absent[:MAX_ROWS_NAMED])}: no program "
                "can learn it.",
                file,
                remedy="Add examples, or take it out of output_schema.",
            )
        )
    return warnings


def _rows_of(rows: Rows, label: str) -> str:
    numbers = [str(number) for number, example in rows if class_label(example.output) == label]
    return ("row " if len(numbers) == 1 else "rows ") + ", ".join(numbers)


def _without_contradictions(rows: Rows) -> tuple[Rows, list[tuple[list[int], list[str]]]]:
    by_input: dict[str, Rows] = defaultdict(list)
    for number, example in rows:
        by_input[canonical(example.input)].append((number, example))
    bad: set[int] = set()
    found = []
    for same in by_input.values():
        outputs = sorted({canonical(example.output) for _, example in same})
        if len(outputs) > 1:
            numbers = [number for number, _ in same]
            bad.update(numbers)
            found.append((numbers, outputs))
    return [row for row in rows if row[0] not in bad], found


def _without_repeats(rows: Rows) -> tuple[Rows, list[int]]:
    seen: set[str] = set()
    kept: Rows = []
    repeated = []
    for number, example in rows:
        key = canonical(example.input)
        if key in seen:
            repeated.append(number)
        else:
            seen.add(key)
            kept.append((number, example))
    return kept, repeated


def loose_key(value: Any) -> str:
    """Inputs that read the same to a person: case and white space do not count."""
    return " ".join(canonical(value).casefold().replace("\\n", " ").split())
