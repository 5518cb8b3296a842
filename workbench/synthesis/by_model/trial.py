"""A program tried on training examples: a few first, all of them only where those go well."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from runtime.models import Example, TaskSpecification
from runtime.sandbox import GateError, ProgramError, Result, Sandbox, check_source
from runtime.validation.exact import matches
from workbench.synthesis.kinds import class_label

FIRST = 2  # a program that never ends is found out on so many
QUICK = 16
MOST = 400
CHUNK = 50
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that came out wrong: what the program gave, or why it gave nothing."""

    example: Example
    got: Any
    error: ProgramError | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a program. `right` is by example, in the order tried; a trial that is
    not `whole` was given up after the first few."""

    source: str
    right: tuple[bool, ...]
    failures: tuple[Failure, ...]
    whole: bool
    refusals: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        return sum(self.right) / len(self.right) if self.right else 0.0

    @property
    def raises(self) -> bool:
        return any(failure.error is not None for failure in self.failures)

    @property
    def size(self) -> int:
        return len(self.source.encode())

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Greater is better: whole, without errors, more right, shorter."""
        return (self.whole, not self.raises, self.score, -self.size)


class TrialGround:
    """Training examples in a fixed, mixed order, and the sandbox that programs run in there."""

    def __init__(
        self, task: TaskSpecification, train: Sequence[Example], sandbox: Sandbox, seed: int
    ) -> None:
        self._task = task
        self._sandbox = sandbox
        self.examples = mixed(train, seed)[:MOST]

    @property
    def baseline(self) -> float:
        """The share that always giving the commonest output gets right."""
        counts = Counter(class_label(example.output) for example in self.examples)
        return max(counts.values()) / len(self.examples)

    def try_out(self, source: str, *, at_least: float = 0.0) -> Trial:
        """Run it on a few examples, and on all where the few reach `at_least`."""
        if refusals := check_source(source):
            return Trial(source, (), (), whole=False, refusals=tuple(map(str, refusals)))
        try:
            program = self._sandbox.load(source)
            self._sandbox.prepare(program)
        except GateError as error:
            return Trial(source, (), (), whole=False, refusals=(str(error.problems[0]),))
        right: list[bool] = []
        failures: list[Failure] = []
        with ThreadPoolExecutor(WORKERS) as threads:
            for part in self._parts():
                halves = [part[start::WORKERS] for start in range(WORKERS)]
                runs = threads.map(
                    lambda half: self._sandbox.run(program, [item.input for item in half]),
                    halves,
                )
                results = {
                    id(example): result
                    for half, done in zip(halves, runs, strict=True)
                    for example, result in zip(half, done, strict=True)
                }
                for example in part:
                    failure = self._failure(example, results[id(example)])
                    right.append(failure is None)
                    if failure is not None:
                        failures.append(failure)
                stuck = any(result.status == "timeout" for result in results.values())
                poor = len(right) == QUICK and sum(right) / QUICK < at_least
                if (stuck or poor) and len(right) < len(self.examples):
                    return Trial(source, tuple(right), tuple(failures), whole=False)
        return Trial(source, tuple(right), tuple(failures), whole=True)

    def _parts(self) -> Iterator[Sequence[Example]]:
        yield self.examples[:FIRST]
        yield self.examples[FIRST:QUICK]
        for start in range(QUICK, len(self.examples), CHUNK):
            yield self.examples[start : start + CHUNK]

    def _failure(self, example: Example, result: Result) -> Failure | None:
        if not result.ok:
            error = result.error or ProgramError("Timeout", "it took too long")
            return Failure(example, None, error)
        if matches(example.output, result.output, self._task.output_schema):
            return None
        return Failure(example, result.output, None)


def mixed(examples: Sequence[Example], seed: int) -> list[Example]:
    """The same examples in a seeded order in which the outputs take turns."""
    by_output: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_output[class_label(example.output)].append(example)
    source = random.Random(seed)  # noqa: S311
    piles = [by_output[label] for label in sorted(by_output)]
    for pile in piles:
        source.shuffle(pile)
    if len(piles) > len(examples) / 2:  # nearly each has an output of its own
        pile = [example for one in piles for example in one]
        source.shuffle(pile)
        return pile
    return [example for turn in zip_longest(*piles) for example in turn if example is not None]
