"""What the hub's improvement engine is handed: failures in words, and programs from examples."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from runtime.data_dir import DataDir
from runtime.models import TaskSpecification
from runtime.sandbox import Result
from runtime.validation.cases import Case
from workbench.improve.patterns import Seen, find_mistakes, find_patterns
from workbench.synthesis.runs import Plan, begin

logger = logging.getLogger("loopai.hub.improvement")


class WorkbenchImprover:
    """The synthesizer and the patterns of `loopai improve`, without a model."""

    def describe(
        self, failures: Sequence[tuple[Case, Result]], successes: Sequence[tuple[Case, Result]]
    ) -> list[str]:
        """Patterns first, then the commonest mix-ups."""
        bad, good = [_seen(one) for one in failures], [_seen(one) for one in successes]
        found = [str(pattern) for pattern in find_patterns(bad, good)]
        return found + [
            f"{count} times it answered {answered} where {right} is right"
            for answered, right, count in find_mistakes(bad)
        ]

    def make(
        self, data_dir: DataDir, task: TaskSpecification, seed: int, strategies: tuple[str, ...]
    ) -> int:
        """Raises LoopaiError where no program can be made."""

        def say(who: str, what: str) -> None:
            logger.info("%s: %s: %s", task.name, who, what)

        return begin(data_dir, Plan(task, seed, strategies), say).version


def _seen(judged: tuple[Case, Result]) -> Seen:
    case, result = judged
    return Seen(case.input, case.expected, result.output, result.status, result.confidence)
