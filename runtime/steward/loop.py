"""Turns over all tasks' logs and ticks of all observers, until told to stop.

It waits when there is nothing to read, and no failure of one part ends it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from runtime.clock import format_time
from runtime.data_dir import checked_slug
from runtime.datasets.content_lock import try_reading
from runtime.errors import InvalidInputError
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.epoch import TABLES as EPOCH
from runtime.steward.follower import Follower
from runtime.steward.observer import LogObserver, StewardContext
from runtime.steward.report import write_report
from runtime.steward.samples import TABLES as SAMPLES
from runtime.steward.turns import Turns

SECONDS_BETWEEN_TICKS = 1.0
SECONDS_TO_WAIT = 0.25
SECONDS_AFTER_A_FAULT = 1.0
SECONDS_BETWEEN_LISTINGS = 2.0

logger = logging.getLogger("loopai.steward")


class Steward:
    """Reads for `observers`, whose tables are there. One steward a data directory: see `lock`."""

    def __init__(
        self,
        context: StewardContext,
        observers: Sequence[LogObserver],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._observers = observers
        self._monotonic = monotonic
        self._turns = Turns(monotonic)
        self._followers: dict[str, Follower] = {}
        self._next_listing = self._next_tick = 0.0
        self._problem: str | None = None
        self._started_at = format_time(context.clock())
        self._lines = 0
        context.state.create(CURSORS)
        context.state.create(EPOCH)
        context.state.create(SAMPLES)

    def run(self, stop: threading.Event) -> None:
        """Read and tick until `stop` is set."""
        try:
            while not stop.is_set():
                lines = self.turn()
                if self._problem is not None:
                    stop.wait(SECONDS_AFTER_A_FAULT)
                elif not lines:
                    stop.wait(SECONDS_TO_WAIT)
        finally:
            self.close()

    def turn(self, *, at_once: bool = False) -> int:
        """One batch of every file with something new, and a tick when it is due.

        `at_once` asks those observers too that rest. Returns how many lines were read,
        malformed ones included.
        """
        now = self._monotonic()
        if now >= self._next_listing:
            self._next_listing = now + SECONDS_BETWEEN_LISTINGS
            self._list_tasks()
        lines, problem = 0, None
        today = self._context.clock().date()
        for follower in self._followers.values():
            try:
                with try_reading(self._context.data_dir) as may_read:
                    if may_read:
                        lines += follower.turn(today, at_once=at_once)
            except (OSError, sqlite3.Error) as error:
                problem = f"{follower.task}: {error}"
        if problem != self._problem and problem is not None:
            logger.error("cannot read on: %s", problem)
        self._problem = problem
        self._lines += lines
        if self._monotonic() >= self._next_tick:
            self._next_tick = self._monotonic() + SECONDS_BETWEEN_TICKS
            self.tick(self._context.clock())
        return lines

    def read_all(self) -> int:
        """Turns until nothing is unread; returns how many lines. For tests and one-off runs."""
        total = 0
        while lines := self.turn(at_once=True):
            total += lines
        return total

    def tick(self, moment: datetime) -> None:
        """Tick every observer that is not waiting after a failure, then write the report."""
        for observer in self._observers:
            if not self._turns.may(observer.name):
                continue
            try:
                observer.tick(moment)
            except Exception as error:
                self._turns.failed(observer.name, "", error)
            else:
                self._turns.went_well(observer.name)
        try:
            write_report(self._context.data_dir, self.report(moment))
        except OSError as error:
            logger.error("cannot write the report: %s", error)

    def report(self, moment: datetime) -> dict[str, object]:
        """How far it is, as `loopai status` and `/metrics` show it."""
        return {
            "v": 1,
            "started_at": self._started_at,
            "at": format_time(moment),
            "observers": [observer.name for observer in self._observers],
            "lines_read": self._lines,
            "problem": self._problem,
            "failing": self._turns.failing(),
            "errors": self._turns.errors,
            "tasks": {
                task: {
                    "lag_bytes": follower.lag_bytes,
                    "lag_seconds": _age(follower.last_timestamp, moment),
                }
                for task, follower in sorted(self._followers.items())
            },
        }

    def close(self) -> None:
        """Tell the observers that it ends, and close the files."""
        for observer in self._observers:
            try:
                observer.close()
            except Exception as error:
                logger.error("%s does not end well: %s", observer.name, error)
        for follower in self._followers.values():
            follower.close()

    def _list_tasks(self) -> None:
        context = self._context
        there = set()
        for folder in (context.data_dir.root / "datasets").glob("*/executions"):
            try:
                task = checked_slug(folder.parent.name)
            except InvalidInputError:
                continue  # a folder of somebody else's
            there.add(task)
            if task not in self._followers:
                self._followers[task] = Follower(
                    task, folder, context.state, self._observers, self._turns
                )
        for task in self._followers.keys() - there:
            self._followers.pop(task).close()


def _age(timestamp: str | None, moment: datetime) -> float:
    if timestamp is None:
        return 0.0
    try:
        return max(0.0, (moment - datetime.fromisoformat(timestamp)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
