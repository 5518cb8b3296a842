"""Which of several evaluated programs to keep, and why, in words. Pure: no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import Strategy
from workbench.synthesis.model_card import improvements
from workbench.synthesis.strategy import Candidate

# A person reads rules sooner than weights: the order among programs that are equally right.
READABLE = (Strategy.RULE, Strategy.DSL, Strategy.HYBRID, Strategy.ML)
# Half a point: fewer wrong answers than that do not outweigh a program a person can read.
TIE = 0.005
# Where a model's help is worth nothing, luck makes it look better in at most this share of runs.
MAX_LUCK = 0.1


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A candidate with its report; `seconds` is what it took to propose and judge.

    `right` says of each judged example, in the same order for all candidates, whether it came
    out right; `misses` how far off its number was, where the output is one.
    """

    candidate: Candidate
    report: Mapping[str, Any]
    seconds: float
    size: int
    right: tuple[bool, ...] = ()
    misses: tuple[float, ...] = ()

    @property
    def accuracy(self) -> float:
        return float(self.report["accuracy"])

    @property
    def fit(self) -> float:
        """R² of a number task: tells apart programs none of which is exact."""
        value = self.report.get("r2")
        return float(value) if isinstance(value, int | float) else 0.0


def rank(evaluated: Sequence[Evaluated]) -> list[Evaluated]:
    """Best first: by accuracy; within half a point of the best, the more readable; then size.

    What a language model had a part in stands before the best of the others only where it is
    better by more than half a point, and by more than luck would have it, so that a poor model
    never makes the result worse. Of many programs one is lucky sooner than of one, so the luck
    allowed is for all of them together (Holm).
    """
    alone = _ranked([item for item in evaluated if item.candidate.helped_by is None])
    helped = _ranked([item for item in evaluated if item.candidate.helped_by is not None])
    if not alone:
        return helped
    sure = beyond_luck([_luck(item, alone[0]) for item in helped], MAX_LUCK)
    better = [item for item, holds in zip(helped, sure, strict=True) if holds]
    return [*better, *alone, *(item for item in helped if item not in better)]


def beyond_luck(chances: Sequence[float], at_most: float) -> list[bool]:
    """Which of several leads are more than luck, where each is luck with this chance.

    The chance that any of those said to be more is luck is `at_most`, however they depend on
    each other: Holm, S. (1979), "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6, 65-70.
    """
    sure = [False] * len(chances)
    for passed, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[place] > at_most / (len(chances) - passed):
            break
        sure[place] = True
    return sure


def _luck(item: Evaluated, other: Evaluated) -> float:
    """The chance of such a lead where the two are equally good; 1 where there is none to speak
    of."""
    if item.accuracy > other.accuracy + TIE:
        pairs = list(zip(item.right, other.right, strict=True))
        return _sign_test(pairs)
    if item.accuracy >= other.accuracy and item.fit > other.fit + TIE:
        return _sign_test(
            [(-mine, -theirs) for mine, theirs in zip(item.misses, other.misses, strict=True)]
        )
    return 1.0


def _sign_test(pairs: Sequence[tuple[float, float]]) -> float:
    """The chance that the first of so many pairs is the greater so often, were it even."""
    gained = sum(mine > theirs for mine, theirs in pairs)
    parted = sum(mine != theirs for mine, theirs in pairs)
    return sum(math.comb(parted, hits) for hits in range(gained, parted + 1)) / (1 << parted)


def _ranked(evaluated: Sequence[Evaluated]) -> list[Evaluated]:
    if not evaluated:
        return []
    best = max(item.accuracy for item in evaluated)
    best_fit = max(item.fit for item in evaluated)

    def key(item: Evaluated) -> tuple[bool, bool, int, float, float, int]:
        near = item.accuracy >= best - TIE
        fits = item.fit >= best_fit - TIE
        readable = _place(item.candidate.strategy) if near and fits else 0
        return (not near, not fits, readable, -item.accuracy, -item.fit, item.size)

    return sorted(evaluated, key=key)


def pareto_front(evaluated: Sequence[Evaluated]) -> list[Evaluated]:
    """Those that no other beats or equals in accuracy, worst-case latency and size at once."""

    def costs(item: Evaluated) -> tuple[float, float, int]:
        return (-item.accuracy, float(item.report["latency_ms"]["p99"]), item.size)

    def beaten(item: Evaluated) -> bool:
        mine = costs(item)
        return any(
            costs(other) != mine
            and all(theirs <= own for theirs, own in zip(costs(other), mine, strict=True))
            for other in evaluated
        )

    return [item for item in evaluated if not beaten(item)]


def explain(ranked: Sequence[Evaluated], target: float) -> str:
    """Why the first of `ranked` was chosen, in a few sentences."""
    first, *others = ranked
    report = first.report
    low, high = report["interval"]
    label = report.get("judged_as", first.candidate.label)
    how = "in cross-validation" if report["method"] == "cross-validation" else "held out"
    sentences = [
        f"{first.candidate.strategy} ({label}) is right on {report['correct']} of "
        f"{report['examples']} examples {how}: {first.accuracy:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})."
    ]
    if "judged_as" in report:
        sentences.append(f"Made from all examples, the same search chose {first.candidate.label}.")
    if "r2" in report and report["r2"] is not None:
        sentences.append(
            f"R² is {report['r2']:.3f}, the mean error {report['mean_absolute_error']:g}."
        )
    ahead = [item for item in others if item.accuracy > first.accuracy]
    lucky = [o for o in ahead if o.candidate.helped_by and not first.candidate.helped_by]
    if readable := [item for item in ahead if item not in lucky]:
        names = " and ".join(f"{_name(o)} ({o.accuracy:.1%})" for o in readable)
        sentences.append(
            f"{names} scored within half a point above; the more readable program is kept."
        )
    if lucky:
        names = " and ".join(f"{_name(o)} ({o.accuracy:.1%})" for o in lucky)
        lead = "leads" if len(lucky) == 1 else "lead"
        tried = sum(item.candidate.helped_by is not None for item in ranked)
        of = f" to one of {tried} that a model helped" if tried > 1 else ""
        sentences.append(
            f"{names} {lead} by no more than luck may give{of}; "
            "the program without a model is kept."
        )
    behind = [item for item in others if item.accuracy <= first.accuracy]
    if behind:
        names = ", ".join(f"{_name(o)} {o.accuracy:.1%}" for o in behind)
        sentences.append(f"The others: {names}.")
    worst = report.get("worst_class")
    if worst is not None and first.accuracy < 1.0:
        figures = report["classes"][worst]
        sentences.append(
            f"Weakest is {worst}: {figures['recall']:.0%} of its {figures['support']} are found."
        )
    if first.accuracy <= report["baseline"] < 1.0:
        sentences.append(
            f"Always giving the commonest output is right on {report['baseline']:.1%}: the "
            "examples do not teach it what decides."
        )
    if first.accuracy < target:
        sentences.append(f"This is not good enough: the target is {target:.1%}. {_advice(report)}")
    elif low < target:
        sentences.append(
            f"The target of {target:.1%} is met, but with {report['examples']} examples judged "
            "it could be luck; more examples would tell."
        )
    return " ".join(sentences)


def _name(item: Evaluated) -> str:
    """Its strategy; of those that a model helped, what tells them apart."""
    candidate = item.candidate
    return f"{candidate.strategy} {candidate.label}" if candidate.helped_by else candidate.strategy


def _place(strategy: str) -> int:
    """The place in the order of reading; what an installed strategy writes is not known."""
    return READABLE.index(Strategy(strategy)) if strategy in READABLE else len(READABLE)


def _advice(report: Mapping[str, Any]) -> str:
    advice = improvements(report) or ["Look at the failures in the report, and add such examples."]
    return f"What would help most: {' '.join(advice)}"
