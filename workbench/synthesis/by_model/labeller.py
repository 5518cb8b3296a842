"""A model as labeller: several questions about an input, and an answer only where they agree."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import Example, TaskSpecification
from workbench.synthesis.by_model.answers import UnusableAnswerError
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.kinds import class_label
from workbench.synthesis.stages.label import label

WORDINGS = 3
# Labels no better than this against always saying the commonest output are taken for luck.
MAX_CHANCE = 0.1
LEAST_ANSWERED = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a labeller did on examples whose output is known."""

    examples: int
    answered: int
    right: int
    majority: float
    chance: float

    @property
    def trusted(self) -> bool:
        enough = self.answered >= LEAST_ANSWERED * self.examples and self.answered > 0
        return enough and self.right / self.answered > self.majority and self.chance <= MAX_CHANCE

    @property
    def words(self) -> str:
        if not self.answered:
            return (
                "the model is not used as labeller: it gave a label, the same however it was "
                f"asked, to none of the {self.examples} known examples"
            )
        share = f"right on {self.right} of the {self.answered} known examples it answered"
        if self.trusted:
            return f"the model labels clearly better than the commonest output: {share}"
        return (
            f"the model is not used as labeller: {share} of {self.examples}, and always saying "
            f"the commonest output is right on {self.majority:.0%}"
        )


class Labeller:
    """Asks by the description alone, so that an input gets the same label whatever is held out."""

    def __init__(self, calls: ModelCalls, task: TaskSpecification, outputs: Sequence[Any]) -> None:
        self._calls = calls
        self._task = task
        self._outputs = {spoken(output): output for output in outputs}

    def label(self, given: Mapping[str, Any]) -> str | None:
        """The class label that every wording agrees on; None to abstain.

        Raises ModelUnavailableError.
        """
        agreed: str | None = None
        for wording in range(WORDINGS):
            try:
                answer = label(self._calls, self._task, given, list(self._outputs), wording=wording)
            except UnusableAnswerError:
                return None
            if answer is None or (agreed is not None and answer != agreed):
                return None
            agreed = answer
        return None if agreed is None else class_label(self._outputs[agreed])

    def output(self, given: Mapping[str, Any]) -> tuple[Any] | None:
        """The agreed output in a tuple (it may be any JSON value); None to abstain."""
        name = self.label(given)
        return None if name is None else (json.loads(name),)

    def check(self, known: Sequence[Example]) -> Verdict:
        """What it makes of examples whose output is known. Raises ModelUnavailableError."""
        truth = [class_label(example.output) for example in known]
        given = [self.label(example.input) for example in known]
        answered = [
            (said, right) for said, right in zip(given, truth, strict=True) if said is not None
        ]
        right = sum(said == wanted for said, wanted in answered)
        majority = max(Counter(truth).values()) / len(truth)
        chance = binomial_tail(len(answered), right, majority)
        return Verdict(len(known), len(answered), right, majority, chance)


def spoken(output: Any) -> str:
    """A class as the model is told it: texts as they are, other values as JSON."""
    return output if isinstance(output, str) else class_label(output)


def binomial_tail(count: int, least: int, share: float) -> float:
    """The chance of `least` or more of `count` when each comes with probability `share`."""
    return sum(
        math.comb(count, hits) * share**hits * (1 - share) ** (count - hits)
        for hits in range(least, count + 1)
    )
