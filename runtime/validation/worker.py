"""The thread that takes samples from the queue to their oracles and their answers to the files.

It has its own connection to the steward's database and holds nothing up: what it cannot do now
waits in the queue, which is on disk and has a bound.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from runtime.clock import Clock, utc_now
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from runtime.steward import samples
from runtime.steward.state import State, open_state
from runtime.tasks import load_task
from runtime.validation import queue
from runtime.validation.comparison import Comparisons
from runtime.validation.oracle import OracleError
from runtime.validation.oracles import PERSON, make_comparisons, make_oracles
from runtime.validation.questioner import NOBODY_KNOWS, Found, Later, Questioner
from runtime.validation.settle import Answered, compared, recover, settle, skip
from runtime.validation.standing import write_standing

SAMPLES_A_TURN = 32
LABELS_A_TURN = 500
SECONDS_TO_END = 5.0
SECONDS_BETWEEN_STANDINGS = 3.0
SECONDS_BETWEEN_BOUNDS = 10.0

logger = logging.getLogger("loopai.validation")


@dataclass(eq=False)
class _Task:
    """What is kept of a task between turns; made anew when its `task.yaml` changes."""

    stamp: object
    comparisons: Comparisons
    questioner: Questioner
    news: tuple[object, ...] = ()


class ValidationWorker:
    """Runs until stopped; `turn` is one round over all tasks, for whoever wants no thread."""

    def __init__(self, data_dir: DataDir, config: DeploymentConfig, clock: Clock = utc_now) -> None:
        self._data_dir = data_dir
        self._config = config
        self._clock = clock
        self._tasks: dict[str, _Task] = {}
        self._faults: dict[str, str] = {}
        self._recovered: set[str] = set()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._say_at = 0.0
        self._bound_at: dict[str, float] = {}

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="validation", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def close(self) -> None:
        """Stop; an oracle that hangs is not waited for."""
        self._stop.set()
        self._wake.set()
        if self._thread is None:
            self._close_oracles()
        else:
            self._thread.join(SECONDS_TO_END)

    def problems(self) -> dict[str, list[str]]:
        """What is wrong with each task's validation now."""
        found = {name: list(task.questioner.problems()) for name, task in self._tasks.items()}
        for name, fault in self._faults.items():
            found.setdefault(name, []).append(fault)
        return {name: problems for name, problems in found.items() if problems}

    def turn(self, state: State) -> int:
        """Settle what can be settled now; returns how many samples that were."""
        done = 0
        for name in queue.tasks_waiting(state.connection):
            if self._stop.is_set():
                break
            try:
                done += self._turn_of(name, state)
                self._faults.pop(name, None)
            except (LoopaiError, OSError) as error:
                if self._faults.get(name) != str(error):
                    logger.error("%s is not validated: %s", name, error)
                self._faults[name] = str(error)
        return done

    def _run(self) -> None:
        with open_state(self._data_dir, queue.TABLES) as state:
            while not self._stop.is_set():
                try:
                    busy = self.turn(state)
                except sqlite3.Error as error:
                    logger.error("validation waits for the database: %s", error)
                    busy = 0
                except Exception:
                    logger.exception("validation failed; it goes on")
                    busy = 0
                self._say(state)
                if not busy:
                    self._wake.wait(5.0)
                    self._wake.clear()
        self._close_oracles()

    def _say(self, state: State) -> None:
        """Rewrite the standing now and then."""
        now = time.monotonic()
        if now < self._say_at:
            return
        self._say_at = now + SECONDS_BETWEEN_STANDINGS
        try:
            with state.transaction() as connection:
                queue.forget_settled(connection)
            write_standing(self._data_dir, state, self.problems(), self._clock())
        except (OSError, sqlite3.Error) as error:
            logger.error("cannot say how validation is: %s", error)

    def _close_oracles(self) -> None:
        for task in self._tasks.values():
            task.questioner.close()

    def _turn_of(self, name: str, state: State) -> int:
        task = self._task(name, state)
        moment = self._clock()
        if name not in self._recovered:
            recover(self._data_dir, state, name, moment)
            self._recovered.add(name)
        self._bound(name, state, moment)
        done = settle_labels(self._data_dir, state, name, task.comparisons, self._clock)
        if task.questioner.empty:
            return done
        news = task.questioner.news()
        if news != task.news:
            with state.transaction() as connection:
                queue.ask_again(connection, name)
            task.news = news
        return done + self._ask(name, task, state)

    def _bound(self, name: str, state: State, moment: datetime) -> None:
        """Keep the queue within its bound, now and then."""
        now = time.monotonic()
        if now < self._bound_at.get(name, 0.0):
            return
        self._bound_at[name] = now + SECONDS_BETWEEN_BOUNDS
        with state.transaction() as connection:
            samples.skip_oldest(connection, name, self._config.validation.max_waiting, moment)

    def _ask(self, name: str, task: _Task, state: State) -> int:
        answered: list[Answered] = []
        progressed = 0
        for sample, tries in queue.to_ask(state.connection, name, SAMPLES_A_TURN):
            if self._stop.is_set():
                break
            outcome = task.questioner.ask(sample, tries)
            if isinstance(outcome, Found):
                try:
                    answered.append(
                        compared(
                            task.comparisons,
                            sample,
                            outcome.oracle,
                            outcome.output,
                            outcome.cost,
                            outcome.latency_ms,
                        )
                    )
                except OracleError as error:
                    outcome = Later(str(error), failed=True)
            if outcome == NOBODY_KNOWS:
                progressed += 1
                with state.transaction() as connection:
                    queue.note_tries(connection, sample, tries, "nobody-knows")
            elif isinstance(outcome, Later):
                if outcome.failed:
                    with state.transaction() as connection:
                        queue.note_tries(connection, sample, tries + 1, "open", outcome.reason)
                break
        return progressed + settle(self._data_dir, state, name, answered, self._clock())

    def _task(self, name: str, state: State) -> _Task:
        stamp = self._data_dir.task_file(name).stat().st_mtime_ns
        known = self._tasks.get(name)
        if known is not None and known.stamp == stamp:
            return known
        specification = load_task(self._data_dir, name, with_examples=False)
        made = _Task(
            stamp,
            make_comparisons(self._data_dir, self._config, specification),
            self._questioner(specification, state),
        )
        if known is not None:
            known.questioner.close()
        self._tasks[name] = made
        return made

    def _questioner(self, task: TaskSpecification, state: State) -> Questioner:
        oracles = make_oracles(self._data_dir, self._config, task)
        return Questioner(
            task.name, oracles, task.output_schema, self._config.validation, state, self._clock
        )


def settle_labels(
    data_dir: DataDir, state: State, task: str, comparisons: Comparisons, clock: Clock
) -> int:
    """Settle what people have said for good; returns how many samples that were."""
    moment: datetime = clock()
    labels = queue.final_labels(state.connection, task, moment, LABELS_A_TURN)
    if not labels:
        return 0
    skip(state, [each.sample.execution_id for each in labels if each.verdict == "skip"], moment)
    answers = [
        compared(comparisons, label.sample, PERSON, label.output)
        for label in labels
        if label.verdict == "answer"
    ]
    settle(data_dir, state, task, answers, moment)
    return len(labels)
