"""Inputs made up for one output, by the description alone; they are marked, and never judge."""

from __future__ import annotations

from typing import Any

from runtime.models import TaskSpecification
from runtime.schema_check import SchemaCheck
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
    asked, accepted = (
        {
            "type": "object",
            "properties": {"inputs": {"type": "array", "items": items, "minItems": 1}},
            "required": ["inputs"],
        }
        for items in (dict(task.input_schema), {"type": "object"})
    )
    prompt = fill(
        __file__,
        task=describe(task),
        output=show(output),
        count=AT_ONCE,
        style=STYLES[style % len(STYLES)],
    )
    answer = ask_json(
        calls, "invent", prompt, asked, max_tokens=700, variant=style * 10, accepted=accepted
    )
    fits = SchemaCheck(task.input_schema, "input_schema").is_valid
    return [given for given in answer["inputs"][:AT_ONCE] if fits(given)]
