"""Samples each task's executions as the steward reads them, into the queue that oracles empty.

What a strategy has learnt is noted with its place in the log. It asks nobody and judges nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import msgspec

from runtime.errors import LoopaiError
from runtime.sampling.choice import choose, make_strategy
from runtime.steward.observer import Batch, Record, StewardContext
from runtime.steward.samples import Sample, add_samples, delete_settled
from runtime.steward.state import Connection
from runtime.tasks import load_task

TABLES = """
CREATE TABLE IF NOT EXISTS sampler_states (
    task TEXT NOT NULL,
    strategy TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (task, strategy)
) WITHOUT ROWID
"""
PLACE = "sampler_states.state"
SECONDS_BETWEEN_CLEANINGS = 3600

logger = logging.getLogger("loopai.steward")


class SamplingObserver:
    """See `runtime.steward.observer.LogObserver`."""

    name = "sampling"
    tables = TABLES

    def __init__(self, context: StewardContext) -> None:
        self._context = context
        self._config = context.config.sampling
        self._rates: dict[str, tuple[float, float]] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._next_cleaning: datetime | None = None

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        candidates = [record for record in records if _can_be_judged(record)]
        rate = self._rate(task)
        if not candidates or not rate:
            return
        state = self._state(task, transaction)
        strategy = make_strategy(self._config, rate, state)
        chosen = choose(strategy, self._config.seed, candidates)
        add_samples(
            transaction,
            (_sample(task, record, self._config.strategy, share) for record, share in chosen),
        )
        strategy.learn(candidates)
        text = msgspec.json.encode(state).decode()
        transaction.execute(
            "INSERT OR REPLACE INTO sampler_states VALUES (?, ?, ?)",
            (task, self._config.strategy, transaction.values.seal(text, PLACE)),
        )

    def tick(self, moment: datetime) -> None:
        """Once an hour, settled samples are removed when their validations are."""
        if self._next_cleaning is not None and moment < self._next_cleaning:
            return
        self._next_cleaning = moment + timedelta(seconds=SECONDS_BETWEEN_CLEANINGS)
        days = self._context.config.validations_keep_days
        with self._context.state.transaction() as connection:
            delete_settled(connection, moment - timedelta(days=max(1, days)))

    def rolled_back(self) -> None:
        self._states.clear()

    def close(self) -> None:
        """There is nothing to end."""

    def _state(self, task: str, connection: Connection) -> dict[str, Any]:
        if task not in self._states:
            row = connection.execute(
                "SELECT state FROM sampler_states WHERE task = ? AND strategy = ?",
                (task, self._config.strategy),
            ).fetchone()
            text = "{}" if row is None else connection.values.open(row["state"], PLACE)
            self._states[task] = msgspec.json.decode(text)
        return self._states[task]

    def _rate(self, task: str) -> float:
        """The task's own rate, or the configured one where its file does not say or is unsound."""
        file = self._context.data_dir.task_file(task)
        try:
            changed = file.stat().st_mtime
        except OSError:
            return self._config.rate
        known = self._rates.get(task)
        if known is None or known[0] != changed:
            rate = self._config.rate
            try:
                specification = load_task(self._context.data_dir, task, with_examples=False)
            except LoopaiError as error:
                logger.warning(
                    "the sampling rate of %s is taken from the settings: %s", task, error
                )
            else:
                if "sampling_rate" in specification.model_fields_set:
                    rate = specification.sampling_rate
            known = self._rates[task] = (changed, rate)
        return known[1]


def _can_be_judged(record: Record) -> bool:
    return isinstance(record.get("execution_id"), str) and not record.get("erased")


def _sample(task: str, record: Record, strategy: str, probability: float) -> Sample:
    confidence, latency = record.get("confidence"), record.get("latency_ms")
    version = record.get("program_version")
    return Sample(
        execution_id=record["execution_id"],
        task=task,
        program_version=version if isinstance(version, int) else None,
        input=record.get("input"),
        output=record.get("output"),
        error=record.get("error"),
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        status=str(record.get("status", "success")),
        latency_ms=float(latency) if isinstance(latency, int | float) else 0.0,
        executed_at=record["timestamp"],
        strategy=strategy,
        inclusion_probability=probability,
    )
