"""One synthesis with a model: which strategies it adds, what it may cost, how it is repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.config_sections import SynthesisConfig
from runtime.models import Example, Strategy, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.by_model.calls import Ask, Budget, ModelCalls, ModelChoice, RunLog, Watcher
from workbench.synthesis.by_model.more_examples import FEW_EXAMPLES, WithMoreExamples
from workbench.synthesis.by_model.shares import EvenShares, Purse
from workbench.synthesis.by_model.with_signs import WithSigns
from workbench.synthesis.by_model.written import WrittenByModel
from workbench.synthesis.examples_check import check_examples
from workbench.synthesis.split import plan_splits
from workbench.synthesis.strategies import SHIPPED, load_strategies
from workbench.synthesis.strategy import SynthesisStrategy

# Those that are given the model's signs and examples where none is named; of those that are
# named, all that ship are.
HELPED = (Strategy.RULE, Strategy.ML)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What, beside the task, decides a run with a model; kept in the journal.

    `unlabelled` are inputs of which nobody has said the output.
    """

    model: str
    temperature: float
    answer_tokens: int
    max_calls: int
    max_tokens: int
    max_seconds: float
    unlabelled: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ModelSettings:
        return cls(**{**value, "unlabelled": tuple(value["unlabelled"])})


def model_settings(
    config: SynthesisConfig, model: str, unlabelled: Sequence[Mapping[str, Any]] = ()
) -> ModelSettings:
    """The settings of a run with this model, as the configuration has them."""
    return ModelSettings(
        model,
        config.temperature,
        config.answer_tokens,
        config.max_calls,
        config.max_tokens,
        config.max_seconds,
        tuple(unlabelled),
    )


def open_calls(
    settings: ModelSettings,
    ask: Ask | None,
    run: RunLog,
    *,
    seed: int,
    recorded: Sequence[Mapping[str, Any]] = (),
    watcher: Watcher | None = None,
) -> ModelCalls:
    """The calls of a run: `ask` None gives only what is recorded, else what goes beyond it."""
    choice = ModelChoice(settings.model, seed, settings.temperature, settings.answer_tokens)
    budget = Budget(settings.max_calls, settings.max_tokens, settings.max_seconds)
    return ModelCalls(choice, ask, run, budget, recorded=recorded, watcher=watcher)


def model_strategies(
    task: TaskSpecification,
    names: Sequence[str],
    settings: ModelSettings,
    calls: ModelCalls,
    sandbox: Sandbox,
    seed: int,
) -> list[SynthesisStrategy]:
    """What the model adds to the strategies called `names` (all where none is named).

    Raises InvalidInputError when the examples teach nothing.
    """
    checked = check_examples(task)
    splits = plan_splits(checked, seed)
    sessions = len(splits) + 1
    helped = [name for name in SHIPPED if name in (names or HELPED)]
    few = len(checked.examples) <= FEW_EXAMPLES
    made: list[SynthesisStrategy] = []
    kinds = len(helped) * (2 if few else 1) + (Strategy.RULE in helped)
    for inner in load_strategies(helped) if helped else ():
        kinds -= 1
        made.append(WithSigns(inner, calls, sandbox, Purse(calls, kinds)))
    if few:
        for inner in load_strategies(helped) if helped else ():
            kinds -= 1
            known: list[Example] = list(checked.examples)
            purse = Purse(calls, kinds)
            made.append(WithMoreExamples(inner, calls, settings.unlabelled, known, purse))
    if Strategy.RULE in helped:
        made.append(WrittenByModel(calls, sandbox, EvenShares(calls, sessions)))
    return made
