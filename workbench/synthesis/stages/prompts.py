"""Prompt files, and the parts that several of them share: a task and its examples in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from runtime.models import Example, TaskSpecification

MAX_INPUT_CHARACTERS = 600
MAX_DESCRIPTION_CHARACTERS = 2000


def fill(stage_file: str, **values: object) -> str:
    """The prompt beside the stage's module (`__file__`), its `$names` filled in."""
    template = Template(Path(stage_file).with_suffix(".md").read_text(encoding="utf-8"))
    return template.substitute({name: str(value) for name, value in values.items()}).strip()


def describe(task: TaskSpecification) -> str:
    """The task in words: what is wanted, the input's fields and the output."""
    words = " ".join(task.description.split())[:MAX_DESCRIPTION_CHARACTERS]
    fields = task.input_schema.get("properties")
    named = fields if isinstance(fields, Mapping) else {}
    inputs = ", ".join(f'"{name}" ({_kind(schema)})' for name, schema in named.items())
    return f"{words}\nThe input is an object with {inputs or 'fields'}.\n{_output(task)}"


def _output(task: TaskSpecification) -> str:
    options = task.output_schema.get("enum")
    if options:
        return "The output is one of: " + ", ".join(json.dumps(o) for o in options) + "."
    return "The output fits this JSON schema: " + json.dumps(task.output_schema)


def _kind(schema: Any) -> str:
    kind = schema.get("type", "any") if isinstance(schema, Mapping) else "any"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def show_examples(examples: Sequence[Example]) -> str:
    """One line an example: input as JSON -> output as JSON."""
    return "\n".join(f"{show(example.input)} -> {show(example.output)}" for example in examples)


def show(value: Any) -> str:
    """A value as JSON, its middle left out where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= MAX_INPUT_CHARACTERS:
        return text
    half = MAX_INPUT_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)
