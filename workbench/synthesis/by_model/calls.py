"""Every question to a language model goes through here: counted, bounded, journaled, repeatable.

A run is a function of its task, its settings and the model's answers. Given the answers of an
earlier run it makes the same programs again without a model, and goes on with a model where
those end. Nothing else in a run depends on the model or the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

from runtime.errors import LoopaiError
from runtime.strict_json import canonical
from workbench.language_model.failures import (
    CallFailedError,
    Kind,
    ModelAbsentError,
    ServerAbsentError,
)
from workbench.language_model.messages import Message, ModelAnswer, ModelRequest
from workbench.synthesis.journal_tables import STOPPED

# A server that fails so often in a row is left alone for the rest of the run.
MAX_FAILURES_IN_A_ROW = 3

Ask = Callable[[ModelRequest, Callable[[str], None]], ModelAnswer]


class ModelUnavailableError(Exception):
    """No more answers are to be had, now or in this run; the message says why."""


class ReplayError(LoopaiError):
    """The journal does not hold what this run asks: something it depends on has changed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent: calls, tokens (of prompts and answers), seconds of waiting."""

    calls: int
    tokens: int
    seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Spent:
    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens


class RunLog(Protocol):
    """Where calls and attempts are noted: an open run of the journal, or the copy of one."""

    def add_call(self, number: int, **fields: Any) -> None: ...

    def add_attempt(self, **fields: Any) -> None: ...


class Watcher(Protocol):
    """Is told what the model is asked and what it says, as it says it."""

    def asks(self, stage: str, spent: Spent, budget: Budget) -> None: ...

    def hears(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Unwatched:
    def asks(self, stage: str, spent: Spent, budget: Budget) -> None:
        """Nobody looks."""

    def hears(self, text: str) -> None:
        """Nobody listens."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model is asked, and how: `seed` is the run's."""

    name: str
    seed: int
    temperature: float
    answer_tokens: int


class ModelCalls:
    """The calls of one run. `ask` is None in a replay; `recorded` are journal rows to give again.

    The same question is asked once; its answer is given again.
    """

    def __init__(
        self,
        choice: ModelChoice,
        ask: Ask | None,
        run: RunLog,
        budget: Budget,
        *,
        recorded: Sequence[Mapping[str, Any]] = (),
        watcher: Watcher | None = None,
    ) -> None:
        self.choice = choice
        self.budget = budget
        self.spent = Spent()
        self.run = run
        self.number = 0
        self._ask = ask
        self._recorded = recorded
        self._watcher = watcher or Unwatched()
        self._answers: dict[str, ModelAnswer] = {}
        self._limit = budget
        self._failures = 0
        self._closed = ""

    def answer(
        self,
        stage: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        variant: int = 0,
    ) -> ModelAnswer:
        """The model's answer; `variant` asks for another answer to the same question.

        Raises CallFailedError when this call gave none, ModelUnavailableError when no more
        calls may or can be made, ReplayError when the journal has no such call.
        """
        choice = self.choice
        request = ModelRequest(
            choice.name,
            tuple(messages),
            schema,
            seed=choice.seed * 1000 + variant,
            temperature=choice.temperature if temperature is None else temperature,
            max_tokens=min(max_tokens or choice.answer_tokens, choice.answer_tokens),
        )
        known = self._answers.get(request.digest)
        if known is not None:
            return known
        if self._closed:
            raise ModelUnavailableError(self._closed)
        if over := self._over(self.budget):
            self._close(f"the budget is spent: {over}")
        if over := self._over(self._limit):
            raise ModelUnavailableError(f"its share of the budget is spent: {over}")
        self.number += 1
        answer = self._next(stage, request)
        self._failures = 0
        self._answers[request.digest] = answer
        return answer

    def portion(self, part: float) -> Budget:
        """The limits within which no more than `part` of the calls, tokens and seconds that are
        left is spent; one call at least."""
        left_calls = max(0, self.budget.calls - self.spent.calls)
        left_tokens = max(0, self.budget.tokens - self.spent.tokens)
        left_seconds = max(0.0, self.budget.seconds - self.spent.seconds)
        return Budget(
            self.spent.calls + max(1, int(left_calls * part)),
            self.spent.tokens + int(left_tokens * part),
            self.spent.seconds + left_seconds * part,
        )

    @contextmanager
    def within(self, limit: Budget) -> Iterator[None]:
        """Within this block no more is spent than until `limit`."""
        before, self._limit = self._limit, limit
        try:
            yield
        finally:
            self._limit = before

    def _next(self, stage: str, request: ModelRequest) -> ModelAnswer:
        if self.number <= len(self._recorded):
            return self._again(self._recorded[self.number - 1], request)
        if self._ask is None:
            raise ReplayError(
                f"the journal has {len(self._recorded)} calls, and this run makes more: the "
                "task's settings or this release are not what they were."
            )
        started = time.monotonic()
        self._watcher.asks(stage, self.spent, self.budget)
        try:
            answer = self._ask(request, self._watcher.hears)
        except CallFailedError as failure:
            reason = str(failure)
            seconds = round(time.monotonic() - started, 3)
            fields = {"reason": reason, "answer": failure.text, "seconds": seconds}
            tokens = failure.answer_tokens
            self._note(stage, request, failure=failure.kind, answer_tokens=tokens, **fields)
            self._failed(failure.kind, reason, seconds, tokens)
        except (ServerAbsentError, ModelAbsentError) as gone:
            self._note(stage, request, failure=STOPPED, reason=str(gone))
            self._close(str(gone))
        # What is spent must be the same when it is read from the journal.
        answer = replace(answer, seconds=round(answer.seconds, 3))
        self._note(
            stage,
            request,
            answer=answer.text,
            complete=int(answer.complete),
            prompt_tokens=answer.prompt_tokens,
            answer_tokens=answer.answer_tokens,
            seconds=answer.seconds,
        )
        self._spend(answer)
        return answer

    def _again(self, row: Mapping[str, Any], request: ModelRequest) -> ModelAnswer:
        """What the journal says came of this call."""
        if row["digest"] != request.digest:
            raise ReplayError(
                f"call {self.number} of the journal ({row['stage']}) asked something else than "
                "this run does: the task's settings or this release are not what they were."
            )
        if row["failure"] == STOPPED:
            self._close(row["reason"])
        if row["failure"]:
            tokens = row["answer_tokens"] or 0
            self._failed(row["failure"], row["reason"], row["seconds"] or 0.0, tokens)
        answer = ModelAnswer(
            row["answer"],
            bool(row["complete"]),
            row["prompt_tokens"] or 0,
            row["answer_tokens"] or 0,
            row["seconds"] or 0.0,
        )
        self._spend(answer)
        return answer

    def _failed(self, kind: Kind, reason: str, seconds: float, tokens: int) -> NoReturn:
        self._spend(ModelAnswer("", False, 0, tokens, seconds))
        self._failures += 1
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            self._close(f"it failed {self._failures} times in a row, at last: {reason}")
        raise CallFailedError(kind, reason)

    def _close(self, reason: str) -> NoReturn:
        self._closed = reason
        raise ModelUnavailableError(reason)

    def _over(self, limit: Budget) -> str | None:
        """Which limit is reached, in words; None when none is."""
        if self.spent.calls >= limit.calls:
            return f"{self.spent.calls} calls"
        if self.spent.tokens >= limit.tokens:
            return f"{self.spent.tokens:,} tokens"
        if self.spent.seconds >= limit.seconds:
            return f"{self.spent.seconds:.0f} s"
        return None

    def _spend(self, answer: ModelAnswer) -> None:
        self.spent = Spent(
            self.spent.calls + 1,
            self.spent.prompt_tokens + answer.prompt_tokens,
            self.spent.answer_tokens + answer.answer_tokens,
            self.spent.seconds + answer.seconds,
        )

    def _note(self, stage: str, request: ModelRequest, **fields: Any) -> None:
        content = canonical(request.as_json())
        self.run.add_call(
            self.number, stage=stage, request=content, digest=request.digest, **fields
        )
