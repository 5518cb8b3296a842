"""One input judged by the model: the output by the description alone, or that it is not sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_json
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill, show

UNSURE = "not sure"
QUESTIONS = (
    "Which of these outputs is right for the input below",
    "Read the input below, and choose the output that a careful person would give",
    "Decide on the output for this input",
)


def label(
    calls: ModelCalls,
    task: TaskSpecification,
    given: Mapping[str, Any],
    options: Sequence[str],
    *,
    wording: int,
) -> str | None:
    """One of `options` (class labels), or None when unsure.

    `wording` chooses among several questions, which also name the options in another order: a
    poor model answers the question's form rather than its matter, and so differs.
    Raises UnusableAnswerError or ModelUnavailableError.
    """
    order = [*options[1:], options[0]] if wording > 1 else list(options)
    if wording == 1:
        order.reverse()
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [*order, UNSURE]}},
        "required": ["answer"],
    }
    prompt = fill(
        __file__,
        task=describe(task),
        question=QUESTIONS[wording % len(QUESTIONS)],
        options=", ".join(order),
        unsure=UNSURE,
        input=show(given),
    )
    # The last wording is a sample at the run's temperature: what is unsure comes out otherwise.
    temperature = None if wording == len(QUESTIONS) - 1 else 0.0
    answer = ask_json(calls, "label", prompt, schema, temperature=temperature, max_tokens=40)
    chosen = str(answer["answer"])
    return None if chosen == UNSURE else chosen
