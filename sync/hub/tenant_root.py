"""A tenant's data root at the hub: the newest published version of each of its tasks, executable.

The same folders as on any box, so that the same runtime works on them; nothing here serves.
"""

from __future__ import annotations

import logging
from pathlib import Path

from runtime.artifact_package import read_package, receive_package
from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir, checked_slug, write_atomic
from runtime.errors import LoopaiError
from sync.hub.packages import Packages

TENANTS = "tenants"

logger = logging.getLogger("loopai.hub")


class TenantRoot:
    """One tenant's data root in the hub's folder."""

    def __init__(self, folder: Path, tenant: str, packages: Packages) -> None:
        self.tenant = tenant
        self.data_dir = DataDir(folder / TENANTS / checked_slug(tenant))
        self._packages = packages
        self._store = ArtifactStore(self.data_dir)
        self._seen: dict[str, int] = {}
        self._faults: dict[str, tuple[int, str]] = {}

    def take_up(self) -> bool:
        """Put what was published since the last call where it is executed; whether there was any.

        A version that cannot be stored leaves the one before it, and is tried again.
        """
        latest = self._packages.latest(self.tenant)
        new = {task: version for task, version in latest.items() if self._seen.get(task) != version}
        taken = False
        for task, version in sorted(new.items()):
            try:
                self._take_one(task, version)
            except (LoopaiError, OSError) as error:
                if self._faults.get(task) != (version, str(error)):
                    logger.error("%s: %s v%d: %s", self.tenant, task, version, error)
                self._faults[task] = (version, str(error))
                continue
            self._seen[task] = version
            taken = True
        return taken

    def _take_one(self, task: str, version: int) -> None:
        if self._store.active(task) == version:
            return
        package = self._packages.get(self.tenant, task, version)
        receive_package(self.data_dir, task, read_package(package.content))
        write_atomic(self.data_dir.task_file(task), package.specification)
        self._store.activate(task, version, reason="published")
