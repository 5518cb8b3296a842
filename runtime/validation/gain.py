"""What one version wins and loses against another, on cases neither has learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.sandbox import Result, Sandbox
from runtime.validation.cases import Case
from runtime.validation.comparison import Comparisons

MOST_SHOWN = 10
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Gain:
    """`before` and `after` are how many of `cases` each version gets right; `p_value` is of
    McNemar's exact test (McNemar 1947; two-sided, binomial on the cases they differ in)."""

    cases: int
    before: int
    after: int
    won: tuple[Case, ...]
    lost: tuple[Case, ...]
    p_value: float

    @property
    def verdict(self) -> str:
        """better, probably better, no better or worse."""
        if len(self.won) > len(self.lost):
            return "better" if self.p_value < SIGNIFICANT else "probably better"
        sure = len(self.lost) > len(self.won) and self.p_value < SIGNIFICANT
        return "worse" if sure else "no better"

    def as_json(self) -> dict[str, Any]:
        return {
            "cases": self.cases,
            "right_before": self.before,
            "right_after": self.after,
            "won": len(self.won),
            "lost": len(self.lost),
            "p_value": self.p_value,
            "verdict": self.verdict,
            "examples_won": [_shown(case) for case in self.won[:MOST_SHOWN]],
            "examples_lost": [_shown(case) for case in self.lost[:MOST_SHOWN]],
        }


def answers(
    store: ArtifactStore, task: str, version: int, cases: Sequence[Case], sandbox: Sandbox
) -> list[Result]:
    """What a version makes of each input. Raises LoopaiError where it cannot be loaded."""
    if not cases:
        return []
    program = sandbox.load(store.read(task, version).code)
    return sandbox.run(program, [case.input for case in cases])


def right(comparisons: Comparisons, case: Case, result: Result) -> bool:
    """Whether a result is what the oracle says, as validation compares."""
    return result.ok and comparisons.compare(case.expected, result.output).match


def compare_versions(
    cases: Sequence[Case],
    before: Sequence[Result],
    after: Sequence[Result],
    comparisons: Comparisons,
) -> Gain:
    """The two versions' results for the same cases, side by side."""
    first = [right(comparisons, *pair) for pair in zip(cases, before, strict=True)]
    second = [right(comparisons, *pair) for pair in zip(cases, after, strict=True)]
    triples = list(zip(cases, first, second, strict=True))
    won = tuple(case for case, was, now in triples if now and not was)
    lost = tuple(case for case, was, now in triples if was and not now)
    return Gain(len(cases), sum(first), sum(second), won, lost, mcnemar(len(won), len(lost)))


def mcnemar(won: int, lost: int) -> float:
    """The two-sided exact p-value; 1 where the versions differ in nothing."""
    differ = won + lost
    # Whole numbers, so that thousands of cases are neither rounded nor too large for a float.
    tail, term = 0, 1
    for count in range(min(won, lost) + 1):
        tail += term
        term = term * (differ - count) // (count + 1)
    return min(1.0, float(Fraction(2 * tail, 2**differ)))


def _shown(case: Case) -> dict[str, Any]:
    return {"input": case.input, "expected": case.expected}
