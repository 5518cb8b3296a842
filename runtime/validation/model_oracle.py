"""The oracle that asks a language model through Ollama, with the task in words and a few examples.

Its answer follows the output schema or is no answer. It never sees what the program answered.
"""

from __future__ import annotations

from runtime.config_sections import PricesConfig
from runtime.schema_check import SchemaCheck
from runtime.steward.samples import Sample
from runtime.strict_json import canonical
from runtime.tasks import read_examples
from runtime.validation.ollama import api_of
from runtime.validation.oracle import OracleAnswer, OracleContext, OracleError

SHOWN_EXAMPLES = 8
INSTRUCTION = (
    "You are the reference that another program is checked against. Answer with JSON of the form "
    '{"output": ...} and nothing else. If unsure, give the most likely output.'
)


class ModelOracle:
    """Asks `choice.model`, or the model of the configuration."""

    metered = True

    def __init__(self, context: OracleContext) -> None:
        self._context = context
        self._model = context.choice.model or context.config.validation.model
        self._check = SchemaCheck(context.task.output_schema, "output_schema")
        self._shown: str | None = None

    def answer(self, sample: Sample) -> OracleAnswer | None:
        api = api_of(self._context.config)
        schema = {
            "type": "object",
            "properties": {"output": self._context.task.output_schema},
            "required": ["output"],
        }
        messages = [
            {"role": "system", "content": INSTRUCTION + "\n" + self._task_in_words()},
            {"role": "user", "content": canonical({"input": sample.input})},
        ]
        answer = api.chat(self._model, messages, schema)
        content = answer["content"]
        if not isinstance(content, dict) or "output" not in content:
            raise OracleError(f"{self._model} left out the output")
        if failures := self._check.errors(content["output"]):
            reason = failures[0]
            raise OracleError(f"{self._model} answered against the schema: {reason.message}")
        cost = price(self._context.config.prices, answer["input_tokens"], answer["output_tokens"])
        return OracleAnswer(content["output"], cost or 0.0)

    def news(self) -> object:
        return None

    def close(self) -> None:
        """Nothing is kept open between questions."""

    def _task_in_words(self) -> str:
        if self._shown is None:
            task = self._context.task
            examples = read_examples(self._context.data_dir.examples_file(task.name), task)
            step = max(1, len(examples) // SHOWN_EXAMPLES)
            shown = "\n".join(
                canonical({"input": example.input, "output": example.output})
                for example in examples[::step][:SHOWN_EXAMPLES]
            )
            self._shown = f"The task: {task.description}\nExamples:\n{shown}"
        return self._shown


def price(prices: PricesConfig, input_tokens: float, output_tokens: float) -> float | None:
    """What one call costs in `prices.currency`; None where no price is configured."""
    if prices.per_call is not None:
        return prices.per_call
    if prices.input_per_million is None and prices.output_per_million is None:
        return None
    return (
        input_tokens * (prices.input_per_million or 0.0)
        + output_tokens * (prices.output_per_million or 0.0)
    ) / 1_000_000
