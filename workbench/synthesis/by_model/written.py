"""Programs that a model writes: understand, ideas, code, gate, trial, repair, simplify.

Never shows the model an example that is held out; what it writes is judged like any program.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runtime.models import Example, Strategy, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.by_model.answers import UnusableAnswerError
from workbench.synthesis.by_model.calls import ModelCalls, ModelUnavailableError
from workbench.synthesis.by_model.islands import Islands
from workbench.synthesis.by_model.shares import EvenShares
from workbench.synthesis.by_model.trial import Trial, TrialGround
from workbench.synthesis.stages.code import code
from workbench.synthesis.stages.combine import combine
from workbench.synthesis.stages.ideas import ideas
from workbench.synthesis.stages.repair import repair, repair_refused
from workbench.synthesis.stages.simplify import simplify
from workbench.synthesis.stages.understand import Understanding, understand
from workbench.synthesis.strategy import Candidate, NotApplicableError, Progress

MAX_STEPS = 12
STALE_AFTER = 5  # steps without a better program
SHOWN = 8
SLACK = 0.15  # how much worse than the best a program may begin and still be tried whole
COMBINE_EVERY = 3
PROPOSED = 3
PLAIN_IDEA = "Decide by the most telling words, patterns and numbers in the input."


@dataclass(slots=True)
class _Search:
    """One search on one set of training examples."""

    calls: ModelCalls
    task: TaskSpecification
    ground: TrialGround
    islands: Islands
    progress: Progress

    def try_out(self, stage: str, source: str, place: int) -> Trial:
        """Try, note in the journal, and settle what was tried whole."""
        best = self.islands.best()
        trial = self.ground.try_out(source, at_least=best.score - SLACK if best else 0.0)
        verdict = "refused" if trial.refusals else "tried" if trial.whole else "given up"
        self.calls.run.add_attempt(
            stage=stage,
            call=self.calls.number,
            verdict=verdict,
            reason="; ".join(trial.refusals) or None,
            score=round(trial.score, 6),
            examples=len(trial.right),
            bytes=trial.size,
            source=source,
        )
        share = f"{trial.score:.1%} of {len(trial.right)} training examples"
        self.progress(f"{stage}: {trial.refusals[0] if trial.refusals else share}")
        if trial.whole:
            self.islands.add(place, trial)
        return trial


class WrittenByModel:
    """Asks for whole programs and improves the best of them by what they get wrong."""

    name: str = Strategy.RULE
    title = "written by the model"

    def __init__(self, calls: ModelCalls, sandbox: Sandbox, shares: EvenShares) -> None:
        self._calls = calls
        self._sandbox = sandbox
        self._shares = shares

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterator[Candidate]:
        """See `SynthesisStrategy.propose`."""
        ground = TrialGround(task, train, self._sandbox, seed)
        reason = "the model wrote no program that runs"
        with self._shares.session():
            islands = Islands(0, random.Random(seed))  # noqa: S311
            try:
                understood = self._understood(task)
                thoughts = self._ideas(task, understood)
                islands = Islands(len(thoughts), random.Random(seed))  # noqa: S311
                search = _Search(self._calls, task, ground, islands, progress)
                self._begin(search, thoughts)
                self._improve(search)
                self._shorten(search)
            except ModelUnavailableError as end:
                reason = str(end)
                progress(f"stops asking: {end}")
        sound = [trial for trial in islands.everyone() if trial.whole and not trial.raises]
        if not sound:
            raise NotApplicableError(reason)
        if sound[0].score <= ground.baseline:
            raise NotApplicableError(
                f"its best program is right on {sound[0].score:.1%} of the training examples, "
                f"always giving the commonest output on {ground.baseline:.1%}"
            )
        for trial in sound[:PROPOSED]:
            yield self._candidate(trial)

    def _understood(self, task: TaskSpecification) -> Understanding:
        try:
            return understand(self._calls, task)
        except UnusableAnswerError:
            return Understanding(task.description, ("an empty input", "an unusual spelling"))

    def _ideas(self, task: TaskSpecification, understood: Understanding) -> list[str]:
        try:
            return ideas(self._calls, task, understood)
        except UnusableAnswerError:
            return [PLAIN_IDEA]

    def _begin(self, search: _Search, thoughts: Sequence[str]) -> None:
        """One program by each idea; one that the gate refuses is asked for again."""
        shown = search.ground.examples[:SHOWN]
        for place, idea in enumerate(thoughts):
            try:
                trial = search.try_out("code", code(self._calls, search.task, idea, shown), place)
                if trial.refusals:
                    again = repair_refused(self._calls, search.task, trial.source, trial.refusals)
                    search.try_out("gate", again, place)
            except UnusableAnswerError as error:
                search.progress(f"code: {error}")

    def _improve(self, search: _Search) -> None:
        """Repair by failures, and combine, until nothing gets better or all is right."""
        stale = 0
        for step in range(MAX_STEPS):
            best = search.islands.best()
            if best is None or best.score == 1.0 or stale >= STALE_AFTER:
                return
            if step >= STALE_AFTER - 1 and best.score <= search.ground.baseline:
                search.progress("stops: the model does no better than the commonest output")
                return
            place = step % len(search.islands)
            parent = search.islands.parent(place) or best
            try:
                stage, source = self._next(search, parent, step)
            except UnusableAnswerError as error:
                search.progress(f"repair: {error}")
                stale += 1
                continue
            trial = search.try_out(stage, source, place)
            stale = 0 if trial.rank > best.rank else stale + 1

    def _next(self, search: _Search, parent: Trial, step: int) -> tuple[str, str]:
        mate = search.islands.mate(parent) if step % COMBINE_EVERY == COMBINE_EVERY - 1 else None
        calls, task = self._calls, search.task
        if mate is not None:
            return "combine", combine(calls, task, parent.source, mate.source, variant=step)
        failures = parent.failures[step % 2 :] or parent.failures
        return "repair", repair(
            calls, task, parent.source, failures, score=parent.score, variant=step
        )

    def _shorten(self, search: _Search) -> None:
        """A shorter program takes the place of the best where it answers all the same."""
        best = search.islands.best()
        if best is None or best.raises or best.score <= search.ground.baseline:
            return
        try:
            source = simplify(self._calls, search.task, best.source)
        except UnusableAnswerError:
            return
        if len(source.encode()) < best.size:
            search.try_out("simplify", source, 0)

    def _candidate(self, trial: Trial) -> Candidate:
        model = self._calls.choice.name
        share = f"{trial.score:.1%}"
        return Candidate(
            Strategy.RULE,
            f"written by {model}",
            trial.source,
            notes=(
                f"Written by {model} from the description and examples; right on {share} of "
                f"{len(trial.right)} training examples.",
            ),
            parameters={"model": model, "training_accuracy": round(trial.score, 4)},
            helped_by=model,
        )
