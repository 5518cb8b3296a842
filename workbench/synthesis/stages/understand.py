"""The first stage: the task in the model's own words, and the inputs it might trip over."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_json, list_schema
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.stages.prompts import describe, fill

MAX_CASES = 6
SCHEMA = {
    "type": "object",
    "properties": {
        "restatement": {"type": "string", "minLength": 1, "maxLength": 1500},
        **list_schema("edge_cases", MAX_CASES)["properties"],
    },
    "required": ["restatement", "edge_cases"],
}


@dataclass(frozen=True, slots=True)
class Understanding:
    restatement: str
    edge_cases: tuple[str, ...]


def understand(calls: ModelCalls, task: TaskSpecification) -> Understanding:
    """Asked of the description alone, so that it is the same whatever is held out.

    Raises UnusableAnswerError or ModelUnavailableError.
    """
    prompt = fill(__file__, task=describe(task))
    answer = ask_json(calls, "understand", prompt, SCHEMA, temperature=0.0, max_tokens=400)
    return Understanding(answer["restatement"], tuple(answer["edge_cases"][:MAX_CASES]))
