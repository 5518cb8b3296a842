"""Validation's place in the steward: it starts the worker and wakes it; it never waits for it."""

from __future__ import annotations

from datetime import datetime

from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection
from runtime.validation import queue
from runtime.validation.worker import ValidationWorker


class ValidationObserver:
    """Samples come through the queue in the database, so the log itself tells it nothing."""

    name = "validation"
    tables = queue.TABLES

    def __init__(self, context: StewardContext) -> None:
        self._worker = ValidationWorker(context.data_dir, context.config, context.clock)
        self._started = not context.config.validation.enabled

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        """Nothing to note: the sampler queues what is to be validated."""

    def tick(self, moment: datetime) -> None:
        if not self._started:
            self._worker.start()
            self._started = True
        self._worker.wake()

    def rolled_back(self) -> None:
        """Nothing was noted."""

    def close(self) -> None:
        self._worker.close()
