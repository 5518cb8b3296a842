"""What becomes of a version that the hub brought: it serves at once, in stages, or waits.

As `cloud.promote` says. A version that serves goes on serving until another one is shown fit.
"""

from __future__ import annotations

import logging

from runtime.artifacts import ArtifactStore
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.rollout.control import check_candidate, start_rollout
from runtime.rollout.document import read_rollout

REASON = "published by the hub"

logger = logging.getLogger("loopai.sync")


class Activation:
    """Call it with a task and a version. Raises LoopaiError."""

    def __init__(self, data_dir: DataDir, config: DeploymentConfig) -> None:
        self._data_dir = data_dir
        self._how = config.cloud.promote
        self._store = ArtifactStore(data_dir)

    def __call__(self, task: str, version: int) -> None:
        if self._how == "no":
            logger.info("%s v%d is here: loopai promote %s v%d", task, version, task, version)
        elif self._how == "staged" and self._store.active(task) is not None:
            self._start_rollout(task, version)
        else:
            self._activate(task, version)

    def _activate(self, task: str, version: int) -> None:
        # One the gate of this release refuses would end what serves now.
        check_candidate(self._store, task, version)
        self._store.activate(task, version, reason=REASON)

    def _start_rollout(self, task: str, version: int) -> None:
        """Raises LoopaiError while another version's rollout is under way: this one waits."""
        running = read_rollout(self._data_dir, task)
        if running is not None and running.live and running.candidate == version:
            return  # a crash came before it was noted
        if self._store.active(task) != version:
            start_rollout(self._data_dir, task, version, reason=REASON)
