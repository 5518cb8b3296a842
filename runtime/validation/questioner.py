"""Asks one task's oracles about a sample: with a deadline, a budget, and pauses after failures.

It decides nothing about files or queues; the worker does.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from runtime.clock import Clock
from runtime.config_sections import ValidationConfig
from runtime.schema_check import SchemaCheck
from runtime.steward.samples import Sample
from runtime.steward.state import State
from runtime.validation import queue
from runtime.validation.oracle import (
    Oracle,
    OracleAnswer,
    OracleError,
    OracleUnavailableError,
)

FIRST_DELAY = 1.0
MAX_DELAY = 300.0
#: Failures of one oracle on one sample before the next oracle is asked.
TRIES_EACH = 3

logger = logging.getLogger("loopai.validation")


@dataclass(frozen=True, slots=True)
class Found:
    """An oracle answered."""

    oracle: str
    output: Any
    cost: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Later:
    """Ask again: `failed` when the oracle failed on this very sample."""

    reason: str
    failed: bool = False


NOBODY_KNOWS: Literal["nobody-knows"] = "nobody-knows"


@dataclass(eq=False)
class _Seat:
    """An oracle and how it is doing. A call that hangs is left to its thread, and while that
    lasts the oracle is asked nothing more."""

    kind: str
    oracle: Oracle
    failures: int = 0
    again_at: float = 0.0
    reason: str = ""
    hanging: threading.Thread | None = field(default=None, repr=False)

    def call(self, sample: Sample, seconds: float) -> OracleAnswer | None:
        """Raises OracleError, also for whatever else an oracle raises."""
        if self.hanging is not None and self.hanging.is_alive():
            raise OracleUnavailableError("it still hangs on an earlier question")
        self.hanging = None
        outcome: list[OracleAnswer | BaseException | None] = []

        def ask() -> None:
            try:
                outcome.append(self.oracle.answer(sample))
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=ask, name=f"oracle {self.kind}", daemon=True)
        thread.start()
        thread.join(seconds)
        if not outcome:
            self.hanging = thread
            raise OracleError(f"it did not answer within {seconds:g} s")
        answer = outcome[0]
        if isinstance(answer, OracleError):
            raise answer
        if isinstance(answer, BaseException):
            raise OracleError(f"it failed with {type(answer).__name__}: {answer}")
        return answer


class Questioner:
    """The oracles of one task, in the order they are asked. On one thread only."""

    def __init__(
        self,
        task: str,
        oracles: list[tuple[str, Oracle]],
        output_schema: dict[str, Any],
        config: ValidationConfig,
        state: State,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.task = task
        self._seats = [_Seat(kind, oracle) for kind, oracle in oracles]
        self._check = SchemaCheck(output_schema, "output_schema")
        self._config = config
        self._state = state
        self._clock = clock
        self._monotonic = monotonic

    @property
    def empty(self) -> bool:
        """Whether people alone are asked."""
        return not self._seats

    def news(self) -> tuple[object, ...]:
        """Changes when an oracle may know what it did not know before."""
        return tuple(seat.oracle.news() for seat in self._seats)

    def problems(self) -> list[str]:
        """What is wrong with oracles now."""
        return [f"{seat.kind}: {seat.reason}" for seat in self._seats if seat.reason]

    def ask(self, sample: Sample, tries: int) -> Found | Later | Literal["nobody-knows"]:
        """Ask one oracle after the other; `tries` is how often one failed on this sample."""
        for place, seat in enumerate(self._seats):
            if tries >= TRIES_EACH * (place + 1):
                continue
            if self._monotonic() < seat.again_at:
                return Later(seat.reason)
            if seat.oracle.metered and not self._has_budget():
                seat.reason = "today's budget is spent (validation.calls_per_day, cost_per_day)"
                return Later(seat.reason)
            outcome = self._ask(seat, sample)
            if outcome is not None:
                return outcome
        return NOBODY_KNOWS

    def close(self) -> None:
        for seat in self._seats:
            seat.oracle.close()

    def _ask(self, seat: _Seat, sample: Sample) -> Found | Later | None:
        moment = self._clock()
        with self._state.transaction() as connection:
            queue.note_call(connection, moment, self.task, seat.kind, metered=seat.oracle.metered)
        started = self._monotonic()
        answer: OracleAnswer | None = None
        failure: OracleError | None = None
        try:
            answer = seat.call(sample, self._config.timeout_sec)
            if answer is not None and (wrong := self._check.errors(answer.output)):
                reason = wrong[0]
                raise OracleError(f"its answer is not valid: {reason.path} {reason.message}")
        except OracleError as error:
            failure = error
        latency_ms = (self._monotonic() - started) * 1000
        with self._state.transaction() as connection:
            queue.note_outcome(
                connection,
                moment,
                self.task,
                seat.kind,
                cost=answer.cost if answer else 0.0,
                latency_ms=latency_ms,
                failed=failure is not None,
            )
        if failure is not None:
            self._failed(seat, failure)
            return Later(seat.reason, failed=not isinstance(failure, OracleUnavailableError))
        seat.failures, seat.reason = 0, ""
        if answer is None:
            return None
        return Found(seat.kind, answer.output, answer.cost, latency_ms)

    def _failed(self, seat: _Seat, failure: OracleError) -> None:
        seat.failures += 1
        delay = min(MAX_DELAY, FIRST_DELAY * 2 ** min(seat.failures - 1, 10))
        # Jitter, so that boxes that share a model do not all come back at once.
        delay *= 0.75 + 0.5 * random.random()  # noqa: S311
        seat.again_at = self._monotonic() + delay
        seat.reason = str(failure)
        logger.warning(
            "%s: oracle %s: %s; asked again in %.1f s", self.task, seat.kind, failure, delay
        )

    def _has_budget(self) -> bool:
        return queue.may_spend(
            self._state.connection,
            self._clock(),
            self._config.calls_per_day,
            self._config.cost_per_day,
        )
