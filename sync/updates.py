"""Takes up versions the hub publishes: checked over the very bytes, then put beside the others.

Whatever is wrong with one (a signature, a digest, a full disk), the version that serves goes on
serving, and the reason is said.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.artifact_package import read_package, receive_package
from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import LoopaiError
from runtime.tasks import load_task
from sync.backoff import seconds_to_wait
from sync.hub_client import Downloaded, HubClient, HubUnavailableError
from sync.signing import TrustStore, UntrustedError, signed_package
from sync.taken_up import TakenUp

NOTES_FILE = "hub-versions.json"
FIRST_WAIT, MOST_WAIT = 5.0, 600.0

logger = logging.getLogger("loopai.sync")

#: Makes a received version the one that serves, at once or in stages.
Activate = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Missed:
    """A version that could not be taken up, why, how often it was tried, and when it is again."""

    version: int
    reason: str
    failures: int
    try_at: float


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
        self._notes = TakenUp(data_dir.state / NOTES_FILE)
        #: What could not be taken up, by task.
        self.missed: dict[str, Missed] = {}

    def take_up(self, latest: dict[str, int]) -> list[tuple[str, int]]:
        """Fetch and activate what is newer than what is here; returns what was taken up.

        What fails is tried again after a while that grows. Raises HubUnavailableError when the
        hub goes away meanwhile.
        """
        known = set(self._data_dir.task_names())
        taken = []
        for task, version in sorted(latest.items()):
            missed = self.missed.get(task)
            if missed is not None and missed.version == version:
                if time.monotonic() < missed.try_at:
                    continue
            elif not self._wants(task, version, known):
                continue
            try:
                self.take_one(task, version)
            except (LoopaiError, OSError) as error:
                self._miss(task, version, str(error))
                if isinstance(error, HubUnavailableError):
                    raise
                continue
            self.missed.pop(task, None)
            taken.append((task, version))
        return taken

    def seconds_to_next_try(self) -> float:
        """When what could not be taken up is to be tried again."""
        times = [missed.try_at for missed in self.missed.values()]
        return max(0.0, min(times, default=math.inf) - time.monotonic())

    def take_one(self, task: str, version: int) -> None:
        """Fetch, check, store and activate one version. Raises LoopaiError, OSError."""
        if self._notes.received(task) != version or version not in self._store.versions(task):
            self._receive(task, version)
            self._notes.note_received(task, version)
        self._activate(task, version)
        self._notes.note_taken_up(task, version)
        logger.info("took up %s v%d", task, version)

    def _receive(self, task: str, version: int) -> None:
        kept = self._data_dir.state / "downloads" / f"{task}-v{version}.part"
        received = self._client.download(task, version, kept)
        self.check(task, version, received)
        receive_version(self._data_dir, task, version, received.content, received.specification)

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
        if version <= self._notes.taken_up(task):
            return False
        try:
            newest = max(self._store.versions(task), default=0)
        except LoopaiError:  # no slug: nothing of ours
            return False
        if version != newest:
            return version > newest
        # It came, or was made here, and has not served: a crash came between, or nobody's word.
        served = {event["version"] for event in self._store.history(task)}
        return version not in served and version != self._store.active(task)

    def _miss(self, task: str, version: int, reason: str) -> None:
        before = self.missed.get(task)
        again = before is not None and before.version == version
        failures = before.failures + 1 if before is not None and again else 0
        if not again or (before is not None and before.reason != reason):
            logger.error("%s v%d is not taken up: %s", task, version, reason)
        wait = seconds_to_wait(failures, first=FIRST_WAIT, most=MOST_WAIT)
        self.missed[task] = Missed(version, reason, failures, time.monotonic() + wait)


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
