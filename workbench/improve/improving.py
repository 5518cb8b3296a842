"""One improvement of a task: confirmed failures in, a compared version out. Promotes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, NotFoundError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Result, Sandbox
from runtime.strict_json import canonical
from runtime.tasks import add_examples, load_task
from runtime.validation.cases import Case, Contradiction, confirmed_cases
from runtime.validation.comparison import Comparisons
from runtime.validation.gain import Gain, answers, compare_versions, right
from runtime.validation.oracles import make_comparisons
from workbench.improve.journal import ImproveJournal
from workbench.improve.patterns import Pattern, Seen, find_mistakes, find_patterns

Synthesize = Callable[[TaskSpecification], int]
LIMITS = Limits(timeout_ms=2000, memory_mb=512)


@dataclass(frozen=True, slots=True)
class Situation:
    """How the active version does on all that is confirmed."""

    task: TaskSpecification
    active: int
    failures: tuple[Case, ...]
    successes: tuple[Case, ...]
    contradictions: tuple[Contradiction, ...]
    patterns: tuple[Pattern, ...]
    mistakes: tuple[tuple[str, str, int], ...]
    results: dict[str, Result] = field(repr=False)

    @property
    def to_learn(self) -> list[Case]:
        """Failures to become examples: those that are not held out and are none yet."""
        known = {canonical(example.input) for example in self.task.examples}
        return [
            case
            for case in self.failures
            if not case.held_out and canonical(case.input) not in known
        ]

    @property
    def to_judge(self) -> list[Case]:
        """Cases no version has learned from: held-out failures, and successes."""
        known = {canonical(example.input) for example in self.task.examples}
        judged = [case for case in self.failures if case.held_out]
        return [case for case in [*judged, *self.successes] if canonical(case.input) not in known]

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task.name,
            "active": self.active,
            "confirmed": len(self.failures) + len(self.successes),
            "failures": len(self.failures),
            "to_learn_from": len(self.to_learn),
            "to_judge_by": len(self.to_judge),
            "contradictions": [each.as_json() for each in self.contradictions],
            "patterns": [pattern.as_json() for pattern in self.patterns],
            "mistakes": [
                {"answered": got, "right": right, "count": count}
                for got, right, count in self.mistakes
            ],
        }


@dataclass(frozen=True, slots=True)
class Improvement:
    """A new version beside the active one; `added` failures became examples."""

    situation: Situation
    version: int
    added: int
    gain: Gain
    accuracy: tuple[float | None, float | None]

    @property
    def worth_it(self) -> bool:
        """Whether it is offered: it wins more than it loses."""
        return len(self.gain.won) > len(self.gain.lost)

    def figures(self) -> dict[str, Any]:
        """The counts alone, without anybody's input: what may be kept for long."""
        gain = self.gain
        return {
            "active": self.situation.active,
            "failures": len(self.situation.failures),
            "added": self.added,
            "cases": gain.cases,
            "right_before": gain.before,
            "right_after": gain.after,
            "won": len(gain.won),
            "lost": len(gain.lost),
            "p_value": gain.p_value,
            "verdict": gain.verdict,
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **self.situation.as_json(),
            "version": self.version,
            "added": self.added,
            "gain": self.gain.as_json(),
            "accuracy_on_examples": {"before": self.accuracy[0], "after": self.accuracy[1]},
            "worth_it": self.worth_it,
        }


def look(data_dir: DataDir, name: str) -> Situation:
    """Run the active version on every confirmed input and see where it fails.

    Raises NotFoundError where no version is active, and what `load_task` raises.
    """
    task = load_task(data_dir, name)
    store = ArtifactStore(data_dir)
    active = store.active(name)
    if active is None:
        raise NotFoundError(
            Problem(
                f"no version of {name} is active, so there is nothing to improve.",
                remedy=f"Make one with: loopai synthesize {name} --promote",
            )
        )
    confirmed = confirmed_cases(data_dir, task)
    comparisons = _comparisons(data_dir, task)
    with Sandbox(limits=LIMITS) as sandbox:
        results = answers(store, name, active, confirmed.cases, sandbox)
    failures: list[Case] = []
    successes: list[Case] = []
    for case, result in zip(confirmed.cases, results, strict=True):
        (successes if right(comparisons, case, result) else failures).append(case)
    by_key = {case.key: result for case, result in zip(confirmed.cases, results, strict=True)}
    bad, good = _seen(failures, by_key), _seen(successes, by_key)
    return Situation(
        task=task,
        active=active,
        failures=tuple(failures),
        successes=tuple(successes),
        contradictions=confirmed.contradictions,
        patterns=tuple(find_patterns(bad, good)),
        mistakes=tuple(find_mistakes(bad)),
        results=by_key,
    )


def improve(
    data_dir: DataDir, situation: Situation, synthesize: Synthesize, journal: ImproveJournal
) -> Improvement:
    """Add the failures to the examples, make a version from all of them, compare.

    `synthesize(task)` stores a new version and returns its number. Raises LoopaiError where
    there is nothing to learn from, and what `synthesize` raises; the examples then stay added.
    """
    learn, judged = situation.to_learn, situation.to_judge
    if not learn:
        raise LoopaiError(_nothing_to_learn(situation))
    name = situation.task.name
    journal.start(name, [case.key for case in situation.failures])
    added, task = add_examples(data_dir, situation.task, [case.as_example() for case in learn])
    try:
        version = synthesize(task)
    except LoopaiError as error:
        journal.add_run(name, "no program", None, {"error": str(error)[:1000]})
        raise
    store = ArtifactStore(data_dir)
    with Sandbox(limits=LIMITS) as sandbox:
        after = answers(store, name, version, judged, sandbox)
    before = [situation.results[case.key] for case in judged]
    gain = compare_versions(judged, before, after, _comparisons(data_dir, task))
    accuracy = (_accuracy(store, name, situation.active), _accuracy(store, name, version))
    made = Improvement(situation, version, added, gain, accuracy)
    outcome = "offered" if made.worth_it else gain.verdict
    journal.add_run(name, outcome, version, made.figures())
    return made


def _comparisons(data_dir: DataDir, task: TaskSpecification) -> Comparisons:
    return make_comparisons(data_dir, load_deployment(data_dir.deployment_file), task)


def _seen(cases: Sequence[Case], results: dict[str, Result]) -> list[Seen]:
    return [
        Seen(
            case.input,
            case.expected,
            results[case.key].output,
            results[case.key].status,
            results[case.key].confidence,
        )
        for case in cases
    ]


def _accuracy(store: ArtifactStore, task: str, version: int) -> float | None:
    found = store.metadata(task, version)["evaluation"].get("accuracy")
    return None if found is None else float(found)


def _nothing_to_learn(situation: Situation) -> Problem:
    name, count = situation.task.name, len(situation.failures)
    if not situation.failures and not situation.successes:
        return Problem(
            f"nothing of {name} has been validated yet.",
            remedy=f"Label some executions: loopai label {name}",
        )
    if not count:
        return Problem(
            f"v{situation.active} is right on all {len(situation.successes)} validated inputs of "
            f"{name}: there is nothing to learn from."
        )
    return Problem(
        f"the {count} confirmed failures of {name} are examples already or kept for judging "
        f"(one input in four is, so that versions can be compared).",
        remedy="Validate more executions, or correct the examples by hand.",
    )
