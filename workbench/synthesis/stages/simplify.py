"""The last stage of a program: shorter, with the same answers on every example."""

from __future__ import annotations

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_python
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill


def simplify(calls: ModelCalls, task: TaskSpecification, source: str) -> str:
    """A shorter source, untested. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), source=source.strip())
    return ask_python(calls, "simplify", prompt)
