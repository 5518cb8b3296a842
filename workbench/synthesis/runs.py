"""A synthesis from beginning to end: begun, resumed after a crash, or replayed without a model.

All that decides the result stands in the journal before the first strategy is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Sandbox
from workbench.synthesis.by_model.calls import Ask, ModelCalls, RunLog, Spent, Watcher
from workbench.synthesis.by_model.made_examples import write_made_examples
from workbench.synthesis.by_model.more_examples import WithMoreExamples
from workbench.synthesis.by_model.session import ModelSettings, model_strategies, open_calls
from workbench.synthesis.journal import Journal, OpenRun, ended
from workbench.synthesis.publish import made_by, program_hash, publish
from workbench.synthesis.ranking import Evaluated
from workbench.synthesis.strategies import load_strategies
from workbench.synthesis.strategy import SynthesisStrategy
from workbench.synthesis.synthesizer import Outcome, Say, synthesize

# A candidate may be slow before it is judged; serving has its own, tighter limit.
LIMITS = Limits(timeout_ms=2000, memory_mb=512)
SANDBOX_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a run. `strategies` are names, none for all; `model` is None without one."""

    task: TaskSpecification
    seed: int = 0
    strategies: tuple[str, ...] = ()
    model: ModelSettings | None = None

    def settings(self) -> dict[str, Any]:
        model = self.model.as_json() if self.model else None
        return {"strategies": list(self.strategies), "model": model}


@dataclass(frozen=True, slots=True)
class Made:
    """What a run came to: the version stored, and what was spent on the model."""

    run: int
    outcome: Outcome
    version: int
    spent: Spent


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run made again from its journal: whether the program is the same to the byte."""

    run: int
    outcome: Outcome
    calls: int
    attempts: int
    same_attempts: bool
    same_program: bool


def begin(
    data_dir: DataDir,
    plan: Plan,
    say: Say,
    *,
    ask: Ask | None = None,
    model_digest: str | None = None,
    watcher: Watcher | None = None,
) -> Made:
    """Synthesize, journal every step, store the chosen program."""
    load_strategies(plan.strategies)  # a name that no strategy has begins no run
    run = Journal(data_dir).start(
        plan.task,
        seed=plan.seed,
        settings=plan.settings(),
        made_by=made_by(),
        model=plan.model.model if plan.model else None,
        model_digest=model_digest,
    )
    say("run", f"{run.number} begins")
    return _make(data_dir, plan, run, say, ask, (), watcher)


def resume(
    data_dir: DataDir, number: int, say: Say, *, ask: Ask | None, watcher: Watcher | None = None
) -> Made:
    """Go on with a run that was interrupted: what the model had answered is not asked again,
    but what it failed to answer at last is."""
    journal = Journal(data_dir)
    row = journal.run(number)
    if row["state"] == "finished":
        raise InvalidInputError(
            Problem(
                f"run {number} is finished; it made v{row['version']}.",
                remedy=f"To make it again without a model: --replay {number}",
            )
        )
    plan = planned(journal, number)
    run = journal.reopen(number)
    run.forget_last_failures()
    recorded = journal.calls(number)
    say("run", f"{number} goes on after {len(recorded)} calls")
    return _make(data_dir, plan, run, say, ask, recorded, watcher)


def replay(data_dir: DataDir, number: int, say: Say) -> Replayed:
    """Make a run's programs again from the model's answers in the journal; store nothing."""
    journal = Journal(data_dir)
    row = journal.run(number)
    if row["state"] != "finished":
        raise InvalidInputError(
            Problem(
                f"run {number} is {row['state']}, so there is nothing to compare with.",
                remedy=f"To go on with it: --resume {number}",
            )
        )
    plan = planned(journal, number)
    copy = _Copy(journal.attempts(number))
    calls = _calls(plan, copy, None, journal.calls(number))
    with Sandbox(limits=LIMITS, workers=SANDBOX_WORKERS) as sandbox:
        outcome = _synthesize(plan, sandbox, calls, say, [])
    return Replayed(
        number,
        outcome,
        calls=calls.number if calls else 0,
        attempts=copy.seen,
        same_attempts=copy.same and copy.seen == len(copy.attempts),
        same_program=program_hash(outcome) == row["program_sha256"],
    )


def planned(journal: Journal, number: int) -> Plan:
    """What decided a run, read from the journal."""
    row = journal.run(number)
    model = row["settings"].get("model")
    return Plan(
        journal.specification(number),
        row["seed"],
        tuple(row["settings"].get("strategies", ())),
        ModelSettings.from_json(model) if model else None,
    )


@dataclass(slots=True)
class _Copy:
    """Stands for a run that is replayed: compares what is tried with what was."""

    attempts: Sequence[Mapping[str, Any]]
    seen: int = 0
    same: bool = True

    def add_call(self, number: int, **fields: Any) -> None:
        raise AssertionError("a replay asks no model")

    def add_attempt(self, **fields: Any) -> None:
        self.seen += 1
        known = self.attempts[self.seen - 1] if self.seen <= len(self.attempts) else {}
        if any(known.get(name) != fields[name] for name in ("stage", "source", "score")):
            self.same = False


def _make(
    data_dir: DataDir,
    plan: Plan,
    run: OpenRun,
    say: Say,
    ask: Ask | None,
    recorded: Sequence[Mapping[str, Any]],
    watcher: Watcher | None,
) -> Made:
    with ended(run), Sandbox(limits=LIMITS, workers=SANDBOX_WORKERS) as sandbox:
        calls = _calls(plan, run, ask, recorded, watcher)
        added: list[SynthesisStrategy] = []
        file = data_dir.examples_file(plan.task.name)
        outcome = _synthesize(plan, sandbox, calls, say, added, file)
        version = publish(ArtifactStore(data_dir), plan.task, outcome, run)
        spent = calls.spent if calls else Spent()
        run.update(
            calls=spent.calls, prompt_tokens=spent.prompt_tokens, answer_tokens=spent.answer_tokens
        )
        made = [m for each in added if isinstance(each, WithMoreExamples) for m in each.made]
        if made and plan.model:
            write_made_examples(data_dir, plan.task.name, made, plan.model.model, run.number)
    return Made(run.number, outcome, version, spent)


def _calls(
    plan: Plan,
    run: RunLog,
    ask: Ask | None,
    recorded: Sequence[Mapping[str, Any]],
    watcher: Watcher | None = None,
) -> ModelCalls | None:
    if plan.model is None:
        return None
    return open_calls(plan.model, ask, run, seed=plan.seed, recorded=recorded, watcher=watcher)


def _synthesize(
    plan: Plan,
    sandbox: Sandbox,
    calls: ModelCalls | None,
    say: Say,
    added: list[SynthesisStrategy],
    examples_file: Path | str = "examples.jsonl",
) -> Outcome:
    """Judge the strategies without the model, then, unless all is right already, those with it,
    which are put into `added`."""

    not_asked: dict[str, str] = {}

    def further(evaluated: Sequence[Evaluated]) -> list[SynthesisStrategy]:
        if calls is None or plan.model is None:
            return []
        if any(item.accuracy == 1.0 for item in evaluated):
            not_asked["model"] = "every example held out is answered rightly without it"
            return []
        added.extend(
            model_strategies(plan.task, plan.strategies, plan.model, calls, sandbox, plan.seed)
        )
        return added

    outcome = synthesize(
        plan.task,
        load_strategies(plan.strategies),
        sandbox=sandbox,
        seed=plan.seed,
        say=say,
        examples_file=examples_file,
        further=further,
    )
    return replace(outcome, skipped={**outcome.skipped, **not_asked})
