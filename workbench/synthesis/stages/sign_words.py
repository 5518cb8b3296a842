"""Words and short phrases that speak for a class, by the description alone."""

from __future__ import annotations

from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_list
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show

MAX_WORDS = 30


def sign_words(calls: ModelCalls, task: TaskSpecification, label: Any) -> list[str]:
    """Words, unchecked. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(__file__, task=describe(task), label=show(label))
    found = ask_list(calls, "words", prompt, "words", MAX_WORDS, temperature=0.0, max_tokens=400)
    return list(dict.fromkeys(word.strip().casefold() for word in found))
