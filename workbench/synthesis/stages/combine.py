"""A stage of the search: one program out of two that are right on different examples."""

from __future__ import annotations

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_python
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill


def combine(
    calls: ModelCalls, task: TaskSpecification, first: str, second: str, *, variant: int = 0
) -> str:
    """A source made of both. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), first=first.strip(), second=second.strip())
    return ask_python(calls, "combine", prompt, variant=variant)
