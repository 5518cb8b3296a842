"""Tasks on disk: `task.yaml`, which a person edits, and `examples.jsonl` beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.models import FORMAT_VERSION, Example, TaskSpecification
from runtime.schema_check import SchemaCheck, SchemaError
from runtime.strict_json import canonical, holds_nul, parse_strictly
from runtime.yaml_document import YamlDocument

MAX_EXAMPLE_BYTES = 1_000_000
MAX_EXAMPLES_FILE_BYTES = 512_000_000
MAX_PROBLEMS = 20
UPGRADE = "Use the release that wrote it, or a later one; or correct the number."


def load_task(data_dir: DataDir, name: str, *, with_examples: bool = True) -> TaskSpecification:
    """The task called `name`, its examples checked against its schemas.

    Raises NotFoundError when there is no such task, InvalidInputError with every
    problem found (file, line and field each, at most 20) when it is not sound.
    """
    file = data_dir.task_file(name)
    if not file.is_file():
        known = ", ".join(data_dir.task_names()) or "none yet"
        raise NotFoundError(
            Problem(
                f"there is no task {name!r} in {data_dir.root} (tasks there: {known}).",
                remedy=f"Make one with: loopai task new {name}",
            )
        )
    task = read_task_file(file)
    if task.name != name:
        raise InvalidInputError(
            Problem(
                f"names the task {task.name!r} but stands in the folder {name!r}.",
                file,
                field="name",
                remedy="Make the two the same.",
            )
        )
    if not with_examples:
        return task
    examples = read_examples(data_dir.examples_file(name), task)
    return task.model_copy(update={"examples": tuple(examples)})


def read_task_file(file: Path) -> TaskSpecification:
    """Read one `task.yaml`, without examples; checks that both schemas are JSON Schema."""
    return task_of(YamlDocument.read(file))


def task_of(document: YamlDocument) -> TaskSpecification:
    """The task a YAML document describes, without examples.

    Raises InvalidInputError with file, line and field of what is wrong.
    """
    if not isinstance(document.data, dict):
        document.fail("must be a mapping with name, description and the two schemas.")
    data = dict(document.data)
    version = data.pop("v", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        document.fail(
            f"has format version {version!r}; this release reads {FORMAT_VERSION}.",
            ("v",),
            UPGRADE,
        )
    if "examples" in data:
        document.fail("examples stand in examples.jsonl beside this file.", ("examples",))
    task = document.as_model(TaskSpecification, data)
    for field in ("input_schema", "output_schema"):
        schema = getattr(task, field)
        try:
            json.dumps(schema, allow_nan=False)
            SchemaCheck(schema, field)
        except (TypeError, ValueError):
            document.fail("holds a value that JSON has not (a date, NaN, ...).", (field,))
        except SchemaError as error:
            (problem,) = error.problems
            reason = problem.message.rstrip(".")
            place = (field, *error.place)
            document.fail(f"is not JSON Schema: {reason}.", place, problem.remedy)
    if task.input_schema.get("type", "object") != "object":
        document.fail("must describe an object: every input is one.", ("input_schema", "type"))
    return task


def read_examples(file: Path, task: TaskSpecification) -> list[Example]:
    """The examples in `file` in order; an absent file holds none.

    Raises InvalidInputError naming file, line and field of each bad line (at most 20).
    """
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return []
    if size > MAX_EXAMPLES_FILE_BYTES:
        limit = f"{MAX_EXAMPLES_FILE_BYTES:,}"
        raise InvalidInputError(
            Problem(f"is {size:,} bytes; at most {limit} are read.", file, remedy="Use a sample.")
        )
    with file.open("rb") as lines:
        return parse_examples(lines, task, file)


def parse_examples(
    lines: Iterable[bytes], task: TaskSpecification, file: Path | str, first_line: int = 1
) -> list[Example]:
    """The examples in lines of JSON, of which the first is line `first_line` of `file`.

    Raises InvalidInputError naming file, line and field of each bad line (at most 20).
    """
    check_input = SchemaCheck(task.input_schema, "input_schema")
    check_output = SchemaCheck(task.output_schema, "output_schema")
    examples: list[Example] = []
    problems: list[Problem] = []
    for number, raw in enumerate(lines, start=first_line):
        if not raw.strip():
            continue
        found = _line_problems(raw, check_input, check_output)
        if isinstance(found, Example):
            examples.append(found)
            continue
        for field, message, remedy in found:
            problems.append(Problem(message, file, number, field, remedy))
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InvalidInputError(problems[:MAX_PROBLEMS])
    return examples


def write_task(data_dir: DataDir, task: TaskSpecification) -> None:
    """Write `examples.jsonl` (when there are examples), then `task.yaml`: without it there is no
    task, so it is there whole or not at all."""
    if task.examples:
        write_examples(data_dir.examples_file(task.name), task.examples)
    write_atomic(data_dir.task_file(task.name), task_yaml(task))


def task_yaml(task: TaskSpecification) -> str:
    """`task.yaml` as a person would write it."""
    data = task.model_dump(mode="json", exclude={"examples"})
    data["validation"] = task.validation.model_dump(mode="json", exclude_defaults=True)
    if not data["validation"]:
        del data["validation"]
    data["invariants"] = [
        own if own["because"] is not None else own["check"] for own in data["invariants"]
    ]
    if not data["invariants"]:
        del data["invariants"]
    if not task.privacy.fields:
        del data["privacy"]
    return yaml.safe_dump(
        {"v": FORMAT_VERSION, **data}, sort_keys=False, allow_unicode=True, width=92
    )


def write_examples(file: Path, examples: Iterable[Example]) -> None:
    """Write the examples one JSON object a line."""
    write_atomic(file, "".join(example_line(example) + "\n" for example in examples))


def example_line(example: Example) -> str:
    """One example as its line of JSON, without the line end."""
    data = {"input": example.input, "output": example.output}
    if example.origin is not None:
        data["origin"] = example.origin
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def add_examples(
    data_dir: DataDir, task: TaskSpecification, new: Sequence[Example]
) -> tuple[int, TaskSpecification]:
    """Add examples whose input is not there yet; an equal input takes the new output.

    Returns how many rows are new or changed, and the task with them.
    """
    by_input = {canonical(example.input): example for example in task.examples}
    before = dict(by_input)
    for example in new:
        by_input[canonical(example.input)] = example
    changed = sum(before.get(key) != example for key, example in by_input.items())
    updated = task.model_copy(update={"examples": tuple(by_input.values())})
    if changed:
        write_examples(data_dir.examples_file(task.name), updated.examples)
    return changed, updated


def _line_problems(
    raw: bytes, check_input: SchemaCheck, check_output: SchemaCheck
) -> Example | list[tuple[str | None, str, str | None]]:
    """The example a line holds, or (field, message, remedy) for each thing wrong with it."""
    if len(raw) > MAX_EXAMPLE_BYTES:
        size = f"is {len(raw):,} bytes; at most {MAX_EXAMPLE_BYTES:,} a line."
        return [(None, size, "Shorten it, or leave it out.")]
    try:
        value = parse_strictly(raw)
    except ValueError as error:
        return [(None, f"{error}.", 'Write {"input": {...}, "output": ...} on one line.')]
    if b"\\u0000" in raw and holds_nul(value):
        return [(None, "holds a NUL character.", "Remove it: most systems cannot store it.")]
    if not isinstance(value, dict) or not {"input", "output"} <= value.keys():
        return [(None, 'is no example: it needs the keys "input" and "output".', None)]
    if extra := sorted(value.keys() - {"input", "output", "origin", "v"}):
        return [(extra[0], "there is no such key in an example.", "Remove it.")]
    if (version := value.get("v", FORMAT_VERSION)) != FORMAT_VERSION:
        return [("v", f"has format version {version!r}; this release reads 1.", UPGRADE)]
    if not isinstance(value.get("origin", {}), dict):
        return [("origin", "must be an object.", None)]
    if not isinstance(value["input"], dict):
        return [("input", "must be an object.", 'For one text write {"text": "..."}.')]
    failures = [("input", failure) for failure in check_input.errors(value["input"])]
    failures += [("output", failure) for failure in check_output.errors(value["output"])]
    if failures:
        return [
            (side + failure.path.replace("/", "."), f"{failure.message}.", None)
            for side, failure in failures
        ]
    return Example(input=value["input"], output=value["output"], origin=value.get("origin"))
