"""A new task from nothing, from a sample, or from a table of rows a person already has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from genson import SchemaBuilder

from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.models import Example, TaskSpecification
from runtime.strict_json import holds_nul, parse_strictly
from runtime.tasks import MAX_EXAMPLE_BYTES
from workbench.synthesis.kinds import OutputKind, output_kind
from workbench.table_file import MAX_ROWS, Table, read_table

TABLE_SUFFIXES = (".csv", ".tsv")
SEPARATORS = ",;\t|"
MAX_PROBLEMS = 10
DECIMAL_COMMA = "A number; {} has it with a decimal comma."

TEMPLATE = """\
v: 1
name: {name}
description: >
  {description}
# JSON Schema of the input: always an object.
input_schema:
  type: object
  properties:
    text: {{type: string}}
  required: [text]
  additionalProperties: false
# JSON Schema of the output; an enum makes it a classification.
output_schema:
  enum: ["yes", "no"]
accuracy_target: 0.9
latency_target_ms: 10
sampling_rate: 0.1
"""


def samples_folder() -> Path:
    """Where the sample tasks are: inside an installed package, or in the checkout."""
    installed = Path(str(resources.files("workbench"))) / "sample_tasks"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "sample_tasks"


def sample_names() -> list[str]:
    """The sample tasks that ship."""
    return sorted(path.parent.name for path in samples_folder().glob("*/task.yaml"))


def from_sample(data_dir: DataDir, sample: str, name: str) -> Path:
    """Copy a sample task; returns its folder. Raises NotFoundError for an unknown sample."""
    source = samples_folder() / sample
    if sample not in sample_names():
        raise NotFoundError(
            Problem(
                f"there is no sample task {sample!r}.", remedy=f"Try: {', '.join(sample_names())}"
            )
        )
    text = (source / "task.yaml").read_text(encoding="utf-8")
    if name != sample:
        # Another name is another task: its id is derived from the name.
        lines = [line for line in text.splitlines() if not line.startswith(("id:", "name:"))]
        text = "\n".join([lines[0], f"name: {name}", *lines[1:]]) + "\n"
    write_atomic(data_dir.examples_file(name), (source / "examples.jsonl").read_bytes())
    write_atomic(data_dir.task_file(name), text)
    notebook = data_dir.task(name) / f"{name}.notebook.md"
    if not notebook.exists():
        told = (source / "notebook.md").read_text(encoding="utf-8")
        write_atomic(notebook, told.replace(f"task = '{sample}'", f"task = '{name}'"))
    return data_dir.task(name)


def from_template(data_dir: DataDir, name: str, description: str) -> Path:
    """Write a task to be filled in by hand; returns its folder."""
    words = " ".join(description.split()) or "Say here in words what the program should do."
    write_atomic(data_dir.task_file(name), TEMPLATE.format(name=name, description=words))
    if not data_dir.examples_file(name).exists():
        write_atomic(data_dir.examples_file(name), b"")
    return data_dir.task(name)


def from_rows(
    name: str, description: str, file: Path, output: str, inputs: Sequence[str] = ()
) -> TaskSpecification:
    """A task from a CSV, TSV or JSON-lines file: `output` names the column to learn, `inputs`
    the columns to learn it from (default: all others). Rows without an output are left out.

    Raises NotFoundError or InvalidInputError (file, line, what to do).
    """
    table = _read_rows(file)
    rows = table.rows
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for wanted in (output, *inputs):
        if wanted not in columns:
            remedy = f"Columns: {', '.join(columns)}."
            if len(columns) == 1 and any(mark in columns[0] for mark in SEPARATORS):
                remedy += " Are all its rows as long as the first?"
            raise InvalidInputError(Problem(f"has no column {wanted!r}.", file, remedy=remedy))
    chosen = [column for column in (inputs or columns) if column != output]
    if not chosen:
        raise InvalidInputError(
            Problem("has only the output column.", file, remedy="Add a column to learn it from.")
        )
    _check_cells(file, rows, [*chosen, output])
    examples = tuple(
        Example(
            input={key: row[key] for key in chosen if row.get(key) is not None},
            output=row[output],
        )
        for row in rows
        if row.get(output) is not None
    )
    input_schema = _schema([example.input for example in examples], closed=True)
    for column in table.decimal_commas:
        if column in chosen:
            input_schema["properties"][column]["description"] = DECIMAL_COMMA.format(file.name)
    return TaskSpecification.model_validate(
        {
            "name": name,
            "description": description or f"Predict {output} from {', '.join(chosen)}.",
            "input_schema": input_schema,
            "output_schema": _output_schema([example.output for example in examples]),
            "examples": examples,
        }
    )


def _check_cells(file: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Raises InvalidInputError naming the cells that no example can hold (at most 10)."""
    problems = []
    for number, row in enumerate(rows, start=1):
        for column in columns:
            reason = _unfit(row.get(column))
            if reason is not None:
                what, remedy = reason
                problems.append(
                    Problem(f"row {number}, column {column!r}: {what}", file, remedy=remedy)
                )
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InvalidInputError(problems[:MAX_PROBLEMS])


def _unfit(value: Any) -> tuple[str, str] | None:
    """What is wrong with a cell, and what to do; None where nothing is."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number in JSON.", "Leave the cell empty where it is not known."
    if holds_nul(value):
        return "holds a NUL character.", "Remove it: most systems cannot store it."
    size = len(value) if isinstance(value, str) else 0
    if size > MAX_EXAMPLE_BYTES:
        return f"is {size:,} characters; at most {MAX_EXAMPLE_BYTES:,}.", "Shorten it."
    return None


def columns_of(file: Path) -> tuple[list[str], int]:
    """The columns of a CSV, TSV or JSON-lines file in order, and how many rows it has.

    Raises NotFoundError or InvalidInputError.
    """
    rows = _read_rows(file).rows
    return list(dict.fromkeys(key for row in rows for key in row)), len(rows)


def _read_rows(file: Path) -> Table:
    if not file.is_file():
        raise NotFoundError(Problem("there is no such file.", file))
    is_table = file.suffix.lower() in TABLE_SUFFIXES
    table = read_table(file) if is_table else Table(_read_json_lines(file))
    if not table.rows:
        raise InvalidInputError(Problem("holds no rows.", file))
    return table


def _read_json_lines(file: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = parse_strictly(line)
            except ValueError as error:
                raise InvalidInputError(
                    Problem(f"{error}.", file, number, remedy="Give CSV, or JSON, one row a line.")
                ) from None
            if not isinstance(row, dict):
                raise InvalidInputError(Problem("is no JSON object.", file, number))
            rows.append(row)
            if len(rows) == MAX_ROWS:
                break
    return rows


def _output_schema(values: Sequence[Any]) -> dict[str, Any]:
    if output_kind({}, values) is OutputKind.CLASS and not isinstance(values[0], bool):
        return {"enum": sorted(set(values), key=str)}
    return _schema(values, closed=True)


def _schema(values: Sequence[Any], *, closed: bool) -> dict[str, Any]:
    builder = SchemaBuilder(schema_uri=None)
    for value in values:
        builder.add_object(value)
    schema: dict[str, Any] = builder.to_schema()
    if closed and schema.get("type") == "object":
        schema["additionalProperties"] = False
    return schema
