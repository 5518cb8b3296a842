"""The stage after a trial: the same program again, with what it did wrong on real examples."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.models import TaskSpecification
from workbench.synthesis.by_model.answers import ask_python
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.by_model.trial import Failure
from workbench.synthesis.stages.prompts import describe, fill, show

MAX_SHOWN = 5


def repair(
    calls: ModelCalls,
    task: TaskSpecification,
    source: str,
    failures: Sequence[Failure],
    *,
    score: float,
    variant: int = 0,
) -> str:
    """The corrected source. Raises UnusableAnswerError or ModelUnavailableError."""
    prompt = fill(
        __file__,
        task=describe(task),
        source=source.strip(),
        score=f"{score:.0%}",
        failures="\n".join(_in_words(failure, source) for failure in failures[:MAX_SHOWN]),
    )
    return ask_python(calls, "repair", prompt, variant=variant)


def repair_refused(
    calls: ModelCalls, task: TaskSpecification, source: str, reasons: Sequence[str]
) -> str:
    """The source again, without what the gate refuses."""
    prompt = fill(
        __file__,
        task=describe(task),
        source=source.strip(),
        score="0%",
        failures="\n".join(f"- refused, {reason}" for reason in reasons[:MAX_SHOWN]),
    )
    return ask_python(calls, "repair", prompt)


def _in_words(failure: Failure, source: str) -> str:
    given = f"- input {show(failure.example.input)}: expected {show(failure.example.output)}"
    if failure.error is None:
        return f"{given}, got {show(failure.got)}"
    words = f"{given}, but {failure.error}"
    line = failure.error.line
    lines = source.split("\n")
    if line is not None and 0 < line <= len(lines):
        words += f": {lines[line - 1].strip()}"
    return words
