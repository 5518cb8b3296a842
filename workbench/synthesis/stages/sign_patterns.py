"""Regular expressions that speak for a class, by the description alone."""

from __future__ import annotations

from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_list
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show

MAX_PATTERNS = 8


def sign_patterns(calls: ModelCalls, task: TaskSpecification, label: Any) -> list[str]:
    """Patterns, unchecked. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), label=show(label))
    return ask_list(
        calls, "patterns", prompt, "patterns", MAX_PATTERNS, temperature=0.0, max_tokens=300
    )
