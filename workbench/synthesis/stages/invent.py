"""Inputs made up for one output, by the description alone; they are marked, and never judge."""

from __future__ import annotations

from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_json
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show

AT_ONCE = 5
STYLES = ("ordinary and varied", "short and careless, as people type", "unusual, near the border")


def invent(
    calls: ModelCalls, task: TaskSpecification, output: Any, *, style: int
) -> list[dict[str, Any]]:
    """Up to five inputs that fit the task's schema.

    Raises UnusableAnswerError or ModelUnavailableError.
    """
    inputs = {"type": "array", "items": dict(task.input_schema), "minItems": 1, "maxItems": 50}
    schema = {"type": "object", "properties": {"inputs": inputs}, "required": ["inputs"]}
    prompt = fill(
        __file__,
        task=describe(task),
        output=show(output),
        count=AT_ONCE,
        style=STYLES[style % len(STYLES)],
    )
    answer = ask_json(calls, "invent", prompt, schema, max_tokens=700, variant=style * 10)
    return list(answer["inputs"][:AT_ONCE])
