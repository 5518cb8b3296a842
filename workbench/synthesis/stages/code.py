"""The third stage: one whole program, by one idea."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.models import Example, TaskSpecification
from workbench.synthesis.by_model.answers import ask_python
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show_examples


def code(
    calls: ModelCalls,
    task: TaskSpecification,
    idea: str,
    shown: Sequence[Example],
    *,
    variant: int = 0,
) -> str:
    """A program's source. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), idea=idea, examples=show_examples(shown))
    return ask_python(calls, "code", prompt, variant=variant)
