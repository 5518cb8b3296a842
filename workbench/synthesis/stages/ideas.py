"""The second stage: several different ways to do the task, a sentence each."""

from __future__ import annotations

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_list
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import bullets, describe, fill
from workbench.synthesis.stages.understand import Understanding

MAX_IDEAS = 3


def ideas(calls: ModelCalls, task: TaskSpecification, understood: Understanding) -> list[str]:
    """Ways to solve the task, the most promising first, by the description alone.

    Raises UnusableAnswerError or ModelUnavailableError.
    """
    prompt = fill(
        __file__,
        task=describe(task),
        restatement=understood.restatement,
        cases=bullets(understood.edge_cases),
        count=MAX_IDEAS,
    )
    return ask_list(calls, "ideas", prompt, "ideas", MAX_IDEAS, max_tokens=400)
