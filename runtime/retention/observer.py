"""Runs retention, and re-encryption, from the steward: soon after its start, then every hour."""

from __future__ import annotations

import logging
import sqlite3
import threading
from datetime import datetime, timedelta

from runtime.encryption.rotate import rotate
from runtime.errors import LoopaiError
from runtime.retention.run import run_retention
from runtime.steward.cursors import forget_gone
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection, open_state

FIRST_AFTER = timedelta(minutes=1)
BETWEEN_RUNS = timedelta(hours=1)

logger = logging.getLogger("loopai.retention")


class RetentionObserver:
    """See `runtime.steward.observer.LogObserver`; the log itself tells it nothing."""

    name = "retention"
    tables = ""

    def __init__(self, context: StewardContext) -> None:
        self._context = context
        self._next_run = context.clock() + FIRST_AFTER
        self._thread: threading.Thread | None = None

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        """Nothing to note."""

    def tick(self, moment: datetime) -> None:
        if moment < self._next_run <= moment + BETWEEN_RUNS:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._next_run = moment + BETWEEN_RUNS
        self._thread = threading.Thread(target=self._run, args=(moment,), daemon=True)
        self._thread.start()

    def rolled_back(self) -> None:
        """Nothing was noted."""

    def close(self) -> None:
        """A run that is under way may be ended anywhere."""

    def _run(self, moment: datetime) -> None:
        context = self._context
        try:
            outcome = run_retention(context.data_dir, context.config, moment)
            with open_state(context.data_dir) as state:
                forget_gone(state, context.data_dir, moment.date())
        except (LoopaiError, OSError, sqlite3.Error) as error:
            logger.error("retention: %s", error)
            return
        for problem in outcome.problems:
            logger.error("retention: %s", problem)
        if context.config.encryption.key is not None:
            self._encrypt_what_is_not()
        if outcome.compressed or outcome.deleted or outcome.versions:
            logger.info(
                "retention: %d files compressed, %d deleted, %d versions removed, %.1f MB freed",
                len(outcome.compressed),
                len(outcome.deleted),
                len(outcome.versions),
                outcome.bytes_freed / 1e6,
            )

    def _encrypt_what_is_not(self) -> None:
        """What was kept before there was a key, or under an older one."""
        try:
            done = rotate(self._context.data_dir)
        except (LoopaiError, OSError, sqlite3.Error) as error:
            logger.error("encryption: %s", error)
            return
        if done.files or done.values:
            logger.info("%d files and %d values were encrypted anew", done.files, done.values)
        for left in done.left:
            logger.info("not yet encrypted anew: %s", left)
