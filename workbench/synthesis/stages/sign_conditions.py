"""Conditions on the fields of an input that speak for a class, by the description alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_list
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show

MAX_CONDITIONS = 8


def sign_conditions(
    calls: ModelCalls, task: TaskSpecification, label: Any, names: Sequence[str]
) -> list[str]:
    """Python expressions over `names`, unchecked.

    Raises UnusableAnswerError or ModelUnavailableError.
    """
    prompt = fill(__file__, task=describe(task), label=show(label), names=", ".join(names))
    return ask_list(
        calls, "conditions", prompt, "conditions", MAX_CONDITIONS, temperature=0.0, max_tokens=300
    )
