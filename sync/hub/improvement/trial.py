"""One try: the version there is on everything confirmed, and another made from its failures.

Works in a folder of its own, which is gone afterwards. Publishes nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.artifact_package import read_package, receive_package
from runtime.artifacts import ArtifactStore
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir, make_folder
from runtime.models import Example, TaskSpecification
from runtime.sandbox import Limits, Result, Sandbox
from runtime.strict_json import canonical
from runtime.tasks import write_task
from runtime.validation.cases import Case, Confirmed
from runtime.validation.comparison import Comparisons
from runtime.validation.gain import Gain, answers, compare_versions, right
from runtime.validation.oracles import make_comparisons
from sync.hub.improvement.improver import Improver, Judged
from sync.hub.packages import Package

LIMITS = Limits(timeout_ms=2000, memory_mb=512)
#: Fewer held-out failures cannot show that a version is better.
LEAST_TO_JUDGE = 2


@dataclass(frozen=True, slots=True)
class Situation:
    """What the newest version makes of everything confirmed."""

    task: TaskSpecification
    failures: tuple[Judged, ...]
    successes: tuple[Judged, ...]
    contradictions: int

    @property
    def to_learn(self) -> list[Case]:
        """Failures that are neither held out nor examples already."""
        known = self._known()
        return [
            case
            for case, _ in self.failures
            if not case.held_out and canonical(case.input) not in known
        ]

    @property
    def held_out(self) -> list[Judged]:
        """What no version has learned from."""
        known = self._known()
        judged = [*self.failures, *self.successes]
        return [one for one in judged if one[0].held_out and canonical(one[0].input) not in known]

    @property
    def held_out_failures(self) -> int:
        known = self._known()
        return sum(
            case.held_out and canonical(case.input) not in known for case, _ in self.failures
        )

    def examples(self, tried: set[str]) -> tuple[Example, ...]:
        """What to make a program from: the task's own examples with the failures, those of
        earlier tries too. Where it has none of its own, with all that worked as well."""
        known, all_of_them = self._known(), not self.task.examples
        worked = [
            case
            for case, _ in self.successes
            if not case.held_out
            and (all_of_them or case.key in tried)
            and canonical(case.input) not in known
        ]
        return (*self.task.examples, *(case.as_example() for case in [*self.to_learn, *worked]))

    def _known(self) -> set[str]:
        return {canonical(example.input) for example in self.task.examples}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that was made, beside the one there is: on held-out inputs, and on what worked."""

    version: int
    content: bytes
    held_out: Gain
    worked: Gain

    def shortcomings(self, max_chance: float, may_lose: float) -> list[str]:
        """Why it is not to be published, in words; empty where it is."""
        found = []
        won, lost = len(self.held_out.won), len(self.held_out.lost)
        chance = self.held_out.p_value / 2
        if won <= lost:
            found.append(f"it wins {won} and loses {lost} of the held-out inputs")
        elif chance > max_chance:
            found.append(
                f"it wins {won} and loses {lost} of the held-out inputs, which luck alone would"
                f" show in {chance:.0%} of cases"
            )
        worse = len(self.worked.lost)
        if worse > may_lose * self.worked.cases:
            found.append(f"it loses {worse} of {self.worked.cases} inputs that worked")
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "held_out": _counts(self.held_out),
            "worked": _counts(self.worked),
        }


class Trial:
    """One tenant's task in a folder of its own; `workplace` makes and removes it."""

    def __init__(
        self, folder: Path, task: TaskSpecification, package: Package, sandbox: Sandbox
    ) -> None:
        self._sandbox = sandbox
        self._data_dir = DataDir(folder)
        self._task = task
        self._version = package.version
        self._store = ArtifactStore(self._data_dir)
        self._comparisons: Comparisons = make_comparisons(self._data_dir, DeploymentConfig(), task)
        write_task(self._data_dir, task)
        receive_package(self._data_dir, task.name, read_package(package.content))

    def look(self, confirmed: Confirmed) -> Situation:
        """Run the version there is on every confirmed input. Raises LoopaiError."""
        cases = confirmed.cases
        results = self._answers(self._version, cases)
        failures: list[Judged] = []
        successes: list[Judged] = []
        for case, result in zip(cases, results, strict=True):
            (successes if right(self._comparisons, case, result) else failures).append(
                (case, result)
            )
        return Situation(
            self._task, tuple(failures), tuple(successes), len(confirmed.contradictions)
        )

    def make(
        self,
        situation: Situation,
        tried: set[str],
        improver: Improver,
        seed: int,
        strategies: tuple[str, ...],
    ) -> Candidate:
        """Make another version from the failures and compare. Raises LoopaiError."""
        task = self._task.model_copy(update={"examples": situation.examples(tried)})
        write_task(self._data_dir, task)
        version = improver.make(self._data_dir, task, seed, strategies)
        content = self._store.zip_bytes(task.name, version)
        held_out = self._compare(version, situation.held_out)
        worked = self._compare(version, [*situation.successes, *self._examples_that_work()])
        return Candidate(version, content, held_out, worked)

    def _examples_that_work(self) -> list[Judged]:
        """The task's own examples that the version there is gets right."""
        cases = [Case(one.input, one.output, {}) for one in self._task.examples]
        results = self._answers(self._version, cases)
        pairs = zip(cases, results, strict=True)
        return [pair for pair in pairs if right(self._comparisons, *pair)]

    def _compare(self, version: int, judged: Sequence[Judged]) -> Gain:
        cases = [case for case, _ in judged]
        before = [result for _, result in judged]
        return compare_versions(cases, before, self._answers(version, cases), self._comparisons)

    def _answers(self, version: int, cases: Sequence[Case]) -> list[Result]:
        return answers(self._store, self._task.name, version, cases, self._sandbox)


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A private folder below `folder`, which is empty before and gone after: it holds inputs."""
    shutil.rmtree(folder, ignore_errors=True)  # what a run that was killed left
    make_folder(folder)
    try:
        yield Path(tempfile.mkdtemp(dir=folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _counts(gain: Gain) -> dict[str, Any]:
    """Without anybody's input: what may be kept for long."""
    return {
        "cases": gain.cases,
        "right_before": gain.before,
        "right_after": gain.after,
        "won": len(gain.won),
        "lost": len(gain.lost),
        "p_value": gain.p_value,
    }
