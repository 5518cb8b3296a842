"""Takes up versions the hub publishes: checked over the very bytes, then put beside the others.

Whatever is wrong with one (a signature, a digest, a full disk), the version that serves goes on
serving, and the reason is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from runtime.artifact_package import read_package, receive_package
from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import LoopaiError, NotFoundError
from runtime.tasks import load_task
from sync.hub_client import Downloaded, HubClient, HubUnavailableError
from sync.signing import TrustStore, UntrustedError, signed_package

logger = logging.getLogger("loopai.sync")

#: Makes a received version the one that serves, at once or in stages.
Activate = Callable[[str, int], None]


class Updates:
    """The versions of one hub, for the tasks this box serves."""

    def __init__(
        self, data_dir: DataDir, client: HubClient, activate: Activate, *, new_tasks: bool = True
    ) -> None:
        """`new_tasks`: also take up tasks that this box does not have yet."""
        self._data_dir = data_dir
        self._client = client
        self._activate = activate
        self._new_tasks = new_tasks
        self._store = ArtifactStore(data_dir)
        #: What could not be taken up, by task: the version and why.
        self.problems: dict[str, tuple[int, str]] = {}

    def take_up(self, latest: dict[str, int]) -> list[tuple[str, int]]:
        """Fetch and activate what is newer than what is here; returns what was taken up.

        Raises HubUnavailableError when the hub goes away meanwhile.
        """
        known = set(self._data_dir.task_names())
        taken = []
        for task, version in sorted(latest.items()):
            if not self._wants(task, version, known):
                continue
            try:
                self.take_one(task, version)
            except HubUnavailableError:
                raise
            except (LoopaiError, OSError) as error:
                if self.problems.get(task) != (version, str(error)):
                    logger.error("%s v%d is not taken up: %s", task, version, error)
                self.problems[task] = (version, str(error))
                continue
            self.problems.pop(task, None)
            taken.append((task, version))
        return taken

    def take_one(self, task: str, version: int) -> None:
        """Fetch, check, store and activate one version. Raises LoopaiError, OSError."""
        received = self._client.download(task, version)
        self.check(task, version, received)
        receive_version(self._data_dir, task, version, received.content, received.specification)
        self._activate(task, version)
        logger.info("took up %s v%d", task, version)

    def check(self, task: str, version: int, received: Downloaded) -> None:
        """Raises UntrustedError unless a trusted key signed exactly this for this place."""
        trust = trust_store(self._data_dir)
        offered, statements = self._client.signing_key()
        trust.follow(statements)
        signed = signed_package(task, version, received.content, received.specification)
        trust.check(signed, received.signature, "artifact", offered)

    def _wants(self, task: str, version: int, known: set[str]) -> bool:
        if task not in known and not self._new_tasks:
            return False
        try:
            newest = max(self._store.versions(task), default=0)
        except LoopaiError:  # no slug: nothing of ours
            return False
        return version > newest or (version == newest and self._store.active(task) is None)


def receive_version(
    data_dir: DataDir, task: str, version: int, content: bytes, specification: str
) -> None:
    """Store a version whose origin was checked; a task that is not here yet is written too.

    Raises LoopaiError, OSError.
    """
    package = read_package(content)
    if package.version != version:
        raise UntrustedError(f"It calls itself v{package.version}.")
    _take_specification(data_dir, task, specification)
    receive_package(data_dir, task, package)


def _take_specification(data_dir: DataDir, task: str, specification: str) -> None:
    """A task this box does not have is written; one it has stays as its owner wrote it."""
    file = data_dir.task_file(task)
    if file.exists():
        return
    write_atomic(file, specification)
    try:
        load_task(data_dir, task, with_examples=False)
    except LoopaiError:
        file.unlink()
        raise


def trust_store(data_dir: DataDir) -> TrustStore:
    """The keys this box trusts."""
    return TrustStore(trust_file(data_dir))


def trust_file(data_dir: DataDir) -> Path:
    return data_dir.root / "config" / "trusted-keys.json"


def activate_at_once(data_dir: DataDir) -> Activate:
    """Activation in one step, the way `loopai promote` does it."""
    store = ArtifactStore(data_dir)

    def activate(task: str, version: int) -> None:
        try:
            store.activate(task, version, reason="published by the hub")
        except NotFoundError as error:
            raise LoopaiError(str(error)) from None

    return activate
