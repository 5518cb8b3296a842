"""What calling a language model for every request would cost, beside running a program. Pure.

Prices are the configuration's; tokens are estimated, for every model counts its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.config_sections import PricesConfig
from runtime.models import TaskSpecification

DAYS_A_MONTH = 30
MILLION = 1_000_000
# English and code come to about four characters a token, other scripts to one or two.
ASCII_PER_TOKEN, OTHER_PER_TOKEN = 4, 1.5
#: What a chat adds around the prompt: roles and separators.
FRAME_TOKENS = 12
DEFAULT_NAME = "the model in prices"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Estimated tokens of one call."""

    instructions: int
    examples: int
    input: int
    output: int

    @property
    def given(self) -> int:
        return self.instructions + self.examples + self.input

    def as_json(self) -> dict[str, int]:
        return {
            "instructions": self.instructions,
            "examples": self.examples,
            "input": self.input,
            "output": self.output,
            "total": self.given + self.output,
        }


@dataclass(frozen=True, slots=True)
class ModelCost:
    """One model: money and seconds a call; None where the configuration does not say."""

    name: str
    per_call: float
    seconds_per_call: float | None


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is, within a third for English and code."""
    plain = sum(letter.isascii() for letter in text)
    return math.ceil(plain / ASCII_PER_TOKEN + (len(text) - plain) / OTHER_PER_TOKEN)


def tokens_of_a_call(task: TaskSpecification, inputs: Sequence[Any], shots: int) -> Tokens:
    """A prompt of description, output schema, `shots` examples and one input of the mean size.

    `inputs` are what is really asked (from the log); the examples' own where there are none.
    """
    instructions = f"{task.description}\n{json.dumps(task.output_schema, ensure_ascii=False)}"
    lines = [f"{_json(one.input)} -> {_json(one.output)}" for one in task.examples]
    of_line = _mean([estimate_tokens(line) for line in lines])
    asked = list(inputs) or [one.input for one in task.examples]
    return Tokens(
        instructions=estimate_tokens(instructions) + FRAME_TOKENS,
        examples=round(of_line * min(shots, len(lines))),
        input=round(_mean([estimate_tokens(_json(data)) for data in asked])),
        output=round(_mean([estimate_tokens(_json(one.output)) for one in task.examples])) or 1,
    )


def price_models(prices: PricesConfig, tokens: Tokens) -> list[ModelCost]:
    """What one call costs with each model that has a price."""
    costs = []
    for name, price in prices.models.items():
        money = tokens.given * price.input_per_million + tokens.output * price.output_per_million
        costs.append(ModelCost(name, money / MILLION, price.seconds_per_call))
    if prices.per_call is not None:
        costs.append(ModelCost(DEFAULT_NAME, prices.per_call, None))
    elif prices.input_per_million is not None:
        money = tokens.given * prices.input_per_million
        money += tokens.output * (prices.output_per_million or 0.0)
        costs.append(ModelCost(DEFAULT_NAME, money / MILLION, None))
    return costs


def compare(
    tokens: Tokens,
    models: Sequence[ModelCost],
    requests_per_day: int,
    program: Mapping[str, Any],
    *,
    once: float,
    machine_per_month: float,
) -> dict[str, Any]:
    """Both sides as JSON: a day, a month, a year, and after how many days the program pays.

    `program` holds `version`, `p50_ms`, `p99_ms`; `once` is what making it cost.
    """
    of_program = machine_per_month / DAYS_A_MONTH
    rows = []
    for model in models:
        per_day = model.per_call * requests_per_day
        saved = per_day - of_program
        days = once / saved if saved > 0 else None
        rows.append(
            {
                "model": model.name,
                "per_call": model.per_call,
                "per_day": per_day,
                "per_month": per_day * DAYS_A_MONTH,
                "per_year": per_day * 365,
                "seconds_per_call": model.seconds_per_call,
                "saved_per_month": saved * DAYS_A_MONTH,
                "break_even_days": days,
                "break_even_requests_per_day": (
                    math.ceil(of_program / model.per_call) if model.per_call else None
                ),
            }
        )
    return {
        "requests_per_day": requests_per_day,
        "tokens_per_call": tokens.as_json(),
        "tokens_per_day": (tokens.given + tokens.output) * requests_per_day,
        "models": rows,
        "program": {
            **program,
            "made_for": once,
            "per_month": machine_per_month,
            "busy_seconds_per_day": round(requests_per_day * program["p50_ms"] / 1000, 3),
        },
    }


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
