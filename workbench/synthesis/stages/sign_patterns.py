"""Regular expressions that speak for a class, by the description alone."""

from __future__ import annotations

from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_json
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, plain_list, show

MAX_PATTERNS = 8


def sign_patterns(calls: ModelCalls, task: TaskSpecification, label: Any) -> list[str]:
    """Patterns, unchecked. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), label=show(label))
    answer = ask_json(
        calls, "patterns", prompt, plain_list("patterns", 40), temperature=0.0, max_tokens=300
    )
    return list(dict.fromkeys(answer["patterns"]))[:MAX_PATTERNS]
