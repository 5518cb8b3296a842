"""From a task to a chosen program: check, split, propose, gate, judge, rank. Writes no files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from runtime.errors import LoopaiError, Problem
from runtime.models import Example, TaskSpecification
from runtime.sandbox import GateError, Result, Sandbox
from workbench.synthesis.evaluation import (
    Judged,
    Method,
    evaluate,
    judge,
    number_misses,
    percentile,
)
from workbench.synthesis.examples_check import CheckedExamples, check_examples
from workbench.synthesis.invariants import Invariants, check_examples_hold
from workbench.synthesis.ranking import TIE, Evaluated, explain, rank
from workbench.synthesis.split import Split, plan_splits
from workbench.synthesis.strategy import (
    Candidate,
    NotApplicableError,
    Progress,
    SynthesisStrategy,
)
from workbench.synthesis.trust import find_weaknesses, measure_sensitivity

MAX_PROPOSALS = 4
MAX_TIMED_INPUTS = 200
MORE_TIMINGS = 4
Say = Callable[[str, str], None]
Further = Callable[[Sequence[Evaluated]], Iterable[SynthesisStrategy]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a synthesis run found. `ranked` is best first and may be empty;
    `skipped` says of each other strategy why it has no program."""

    ranked: tuple[Evaluated, ...]
    skipped: Mapping[str, str]
    warnings: tuple[Problem, ...]
    explanation: str
    seconds: float
    seed: int
    examples: int

    @property
    def chosen(self) -> Evaluated:
        return self.ranked[0]


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step of one synthesis needs."""

    task: TaskSpecification
    checked: CheckedExamples
    splits: Sequence[Split]
    sandbox: Sandbox
    seed: int
    say: Say
    invariants: Invariants


def synthesize(
    task: TaskSpecification,
    strategies: Iterable[SynthesisStrategy],
    *,
    sandbox: Sandbox,
    seed: int = 0,
    say: Say = lambda who, what: None,
    examples_file: Path | str = "examples.jsonl",
    further: Further = lambda evaluated: (),
) -> Outcome:
    """Let each strategy propose, judge what it proposes on examples it has not seen, rank.

    When these are judged, `further` is given the results and says which others to try.

    The program kept is made again from all examples once it is judged. `say(who, what)` is
    told of progress. Raises InvalidInputError when the examples teach nothing, LoopaiError
    when no strategy has a program.
    """
    started = time.monotonic()
    checked = check_examples(task, examples_file)
    sound = task.model_copy(update={"examples": checked.examples})
    invariants = Invariants(sound, sandbox, seed)
    check_examples_hold(invariants, task.examples, examples_file)
    run = _Run(sound, checked, plan_splits(checked, seed), sandbox, seed, say, invariants)
    evaluated: list[Evaluated] = []
    skipped: dict[str, str] = {}
    for strategy in chain(strategies, _lazily(further, evaluated)):
        try:
            evaluated.append(_serve(strategy, run))
        except NotApplicableError as reason:
            skipped[title_of(strategy)] = str(reason)
            say(title_of(strategy), f"not used: {reason}")
    if not evaluated:
        reasons = [Problem(f"{name}: {reason}") for name, reason in skipped.items()]
        raise LoopaiError([Problem("no strategy has a program for this task:"), *reasons])
    best, *others = rank(evaluated)
    ranked = (_examined(best, run), *others)
    return Outcome(
        ranked=ranked,
        skipped=skipped,
        warnings=checked.warnings,
        explanation=explain(ranked, task.accuracy_target),
        seconds=time.monotonic() - started,
        seed=seed,
        examples=len(checked.examples),
    )


def _examined(chosen: Evaluated, run: _Run) -> Evaluated:
    """The chosen program with what small edits of the input do to it, and what held of it."""
    run.say(str(chosen.candidate.strategy), "trying small edits of the inputs")
    program = run.sandbox.load(chosen.candidate.source)
    report = dict(chosen.report)
    report["sensitivity"] = measure_sensitivity(run.task, program, run.sandbox, run.seed)
    if run.invariants:
        report["invariants"] = run.invariants.report()
    return replace(chosen, report=report)


def _lazily(further: Further, evaluated: Sequence[Evaluated]) -> Iterator[SynthesisStrategy]:
    yield from further(tuple(evaluated))


def title_of(strategy: SynthesisStrategy) -> str:
    """What tells it from another strategy of the same name: its `title`, where it has one."""
    return str(getattr(strategy, "title", strategy.name))


def _serve(strategy: SynthesisStrategy, run: _Run) -> Evaluated:
    """One strategy from its proposals to its report and the program made from all examples."""
    started = time.monotonic()
    judged: list[Judged] = []
    candidate = None
    for number, split in enumerate(run.splits, start=1):
        part = f" (fold {number} of {len(run.splits)})" if len(run.splits) > 1 else ""

        def progress(message: str, part: str = part) -> None:
            run.say(title_of(strategy), message + part)

        train = [run.checked.examples[index] for index in split.train]
        held_out = [run.checked.examples[index] for index in split.held_out]
        candidate = _first_sound(strategy, train, run, progress)
        progress(f"judging {candidate.label}")
        judged.extend(judge(run.task, held_out, _execute(candidate, held_out, run.sandbox)))
    assert candidate is not None
    method: Method = "cross-validation" if len(run.splits) > 1 else "held-out"
    report = {**evaluate(run.task, judged, method), **find_weaknesses(run.task, judged)}
    final = _made_from_all(strategy, candidate, run)
    if final.label != candidate.label:
        # The figures are of the way it is made; from more examples it may choose otherwise.
        report["judged_as"] = candidate.label
    run.say(title_of(strategy), f"{report['accuracy']:.1%} of {report['examples']} right")
    return Evaluated(
        candidate=final,
        report={**report, "learned_from": len(run.checked.examples)},
        seconds=time.monotonic() - started,
        size=len(final.source.encode()),
        right=tuple(item.right for item in judged),
        misses=number_misses(run.task, judged),
    )


def _made_from_all(strategy: SynthesisStrategy, judged: Candidate, run: _Run) -> Candidate:
    """The same strategy's program from every example; the judged one should that fail, or be
    right on more of the examples although it was made from fewer."""

    def progress(message: str) -> None:
        run.say(title_of(strategy), f"{message} (from all examples)")

    examples = run.checked.examples

    def right(candidate: Candidate) -> int:
        results = _execute(candidate, examples, run.sandbox)
        return sum(item.right for item in judge(run.task, examples, results))

    try:
        final = _first_sound(strategy, examples, run, progress)
    except NotApplicableError as reason:
        run.say(title_of(strategy), f"keeps the program as judged: {reason}")
        return judged
    if right(judged) - right(final) > TIE * len(examples):
        run.say(title_of(strategy), "keeps the program as judged: all examples gave a worse one")
        return judged
    return final


def _first_sound(
    strategy: SynthesisStrategy, train: Sequence[Example], run: _Run, progress: Progress
) -> Candidate:
    """The first proposal the gate admits, that answers every training input, in time."""
    reasons: list[str] = []
    proposals = strategy.propose(run.task, train, seed=run.seed, progress=progress)
    for candidate in islice(proposals, MAX_PROPOSALS):
        reason = _unsound(candidate, train, run)
        if reason is None:
            return candidate
        reasons.append(f"{candidate.label}: {reason}")
        progress(f"drops {candidate.label}: {reason}")
    raise NotApplicableError("; ".join(reasons) or "it proposed nothing")


def _unsound(candidate: Candidate, train: Sequence[Example], run: _Run) -> str | None:
    """Why a candidate may not be used, or None when it may."""
    try:
        results = _execute(candidate, train[:MAX_TIMED_INPUTS], run.sandbox)
    except GateError as refused:
        return f"refused by the gate: {refused.problems[0]}"
    failed = next((result for result in results if not result.ok), None)
    if failed is not None:
        return f"fails on an example it was made from: {failed.error or failed.status}"
    took = [result.latency_ms for result in results]
    for _ in range(MORE_TIMINGS):
        if percentile(took, 99) <= run.task.latency_target_ms:
            break
        # A busy machine makes any input slow now and then; one that is slow is so each time.
        again = _execute(candidate, train[:MAX_TIMED_INPUTS], run.sandbox)
        took = [min(one, other.latency_ms) for one, other in zip(took, again, strict=True)]
    slowest = percentile(took, 99)
    if slowest > run.task.latency_target_ms:
        return f"p99 of {slowest:.1f} ms is over the target of {run.task.latency_target_ms:g} ms"
    return run.invariants.objection(run.sandbox.load(candidate.source))


def _execute(candidate: Candidate, examples: Sequence[Example], sandbox: Sandbox) -> list[Result]:
    program = sandbox.load(candidate.source)
    return sandbox.run(program, [example.input for example in examples])
