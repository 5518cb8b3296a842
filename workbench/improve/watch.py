"""Improvement without anybody there: waits for enough new failures, then makes an offer.

It promotes only where `improve.auto` says so, and never tries the same failures twice.
"""

from __future__ import annotations

import logging
import threading

from runtime.artifacts import ArtifactStore
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.log_files import content_size, list_log_files
from runtime.errors import LoopaiError, NotFoundError
from runtime.validation.settle import PREFIX
from workbench.improve.improving import Improvement, Situation, Synthesize, improve, look
from workbench.improve.journal import ImproveJournal
from workbench.improve.promotion import promote, rollout_under_way

logger = logging.getLogger("loopai.improve")


class Watch:
    """Looks at every task, or at one, each `improve.interval_sec`, until stopped."""

    def __init__(self, data_dir: DataDir, synthesize: Synthesize, task: str | None = None) -> None:
        self._data_dir = data_dir
        self._synthesize = synthesize
        self._task = task
        self._stop = threading.Event()
        #: What there was to look at when a task was last looked at in vain.
        self._seen: dict[str, object] = {}

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Go on until `stop`; a task that fails is reported and tried at the next look."""
        while not self._stop.is_set():
            config = load_deployment(self._data_dir.deployment_file)
            self.look(config)
            self._stop.wait(config.improve.interval_sec)

    def look(self, config: DeploymentConfig) -> list[Improvement]:
        """One look at all tasks; what it made."""
        made = []
        for name in [self._task] if self._task else self._data_dir.task_names():
            if self._stop.is_set():
                break
            try:
                improvement = self._look_at(name, config)
            except (LoopaiError, OSError) as error:
                logger.error("%s is not improved: %s", name, error)
            else:
                made += [improvement] if improvement else []
        return made

    def _look_at(self, name: str, config: DeploymentConfig) -> Improvement | None:
        if rollout_under_way(self._data_dir, name):
            return None
        there = self._fingerprint(name, config)
        if self._seen.get(name) == there:
            return None  # running the program again would show the same
        self._seen[name] = there
        try:
            situation = look(self._data_dir, name)
        except NotFoundError:
            return None  # nothing serves yet
        with ImproveJournal(self._data_dir) as journal:
            new = self._new(situation, journal)
            if len(new) < config.improve.min_failures or not situation.to_learn:
                return None
            logger.info("%s: %d new confirmed failures, making a version", name, len(new))
            made = improve(self._data_dir, situation, self._synthesize, journal)
        self._offer(made, config)
        return made

    def _fingerprint(self, name: str, config: DeploymentConfig) -> object:
        """Changes with the task's validations, its active version and the settings."""
        files = list_log_files(self._data_dir.validations(name), prefix=PREFIX)
        sizes = tuple((file.name, content_size(file)) for file in files)
        return sizes, ArtifactStore(self._data_dir).active(name), config.improve

    def _new(self, situation: Situation, journal: ImproveJournal) -> set[str]:
        return {case.key for case in situation.failures} - journal.tried(situation.task.name)

    def _offer(self, made: Improvement, config: DeploymentConfig) -> None:
        name, gain = made.situation.task.name, made.gain
        said = f"{name} v{made.version}: wins {len(gain.won)}, loses {len(gain.lost)}"
        if not made.worth_it:
            logger.info("%s: kept, not offered", said)
        elif config.improve.auto:
            promote(self._data_dir, made, "staged")
            logger.info("%s: the staged promotion begins (improve.auto)", said)
        else:
            logger.info("%s: offered; loopai promote %s v%d --staged", said, name, made.version)
