"""The tasks a server answers for, and the watch that takes up new versions while it runs.

A new version is loaded before traffic is switched to it; one that cannot be loaded leaves the
last good one serving and says so. Nothing here is on the way of a request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, NotFoundError
from runtime.sandbox.pool import Pool
from runtime.sandbox.program import load_program
from runtime.schema_check import SchemaCheck
from runtime.server.execution import Serving
from runtime.server.lane import Lane
from runtime.tasks import load_task

SECONDS_BETWEEN_LOOKS = 0.5
# A failure may pass (a disk that was full, a copy that was not finished): try again so often.
SECONDS_BETWEEN_RETRIES = 10.0

logger = logging.getLogger("loopai.server")

Fingerprint = tuple[object, ...]


@dataclass(slots=True)
class ServedTask:
    """One task: its lane, what its files looked like when last loaded, and what is wrong."""

    lane: Lane
    seen: Fingerprint = ()
    problem: str | None = None
    retry_at: float = 0.0


class ServedTasks:
    """All tasks of a data directory, each with its lane. On the event loop only."""

    def __init__(
        self,
        data_dir: DataDir,
        pool: Pool,
        new_lane: Callable[[str], Lane],
        also_look: Callable[[], None] = lambda: None,
    ) -> None:
        """`also_look` is called at every look: whatever else is watched on disk."""
        self.data_dir = data_dir
        self.by_name: dict[str, ServedTask] = {}
        self._pool = pool
        self._store = ArtifactStore(data_dir)
        self._new_lane = new_lane
        self._also_look = also_look
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load every task's active program, then watch for changes."""
        await self.look()
        self._watch = asyncio.create_task(self._look_for_ever())

    async def close(self) -> None:
        """Stop watching and answer what is still waiting."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await asyncio.gather(*(served.lane.close() for served in self.by_name.values()))

    def known(self, name: str) -> str:
        """`name` when there is such a task. Raises NotFoundError."""
        if name not in self.by_name:
            raise NotFoundError(f"There is no task {name!r} here.")
        return name

    async def look(self) -> None:
        """Take up what has changed on disk since the last look."""
        fingerprints = await asyncio.to_thread(self._fingerprints)
        for name in self.by_name.keys() - fingerprints.keys():
            logger.info("task %s is gone", name)
            await self.by_name.pop(name).lane.close()
        for name, seen in fingerprints.items():
            if name not in self.by_name:
                lane = self._new_lane(name)
                await lane.open()
                self.by_name[name] = ServedTask(lane)
            served = self.by_name[name]
            retry = served.problem is not None and time.monotonic() > served.retry_at
            if served.seen != seen or retry:
                await self._take_up(name, served, seen)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            try:
                self._also_look()
                await self.look()
            except Exception:
                # Whatever is wrong on disk, requests go on being answered as before.
                logger.exception("could not look for new versions")

    async def _take_up(self, name: str, served: ServedTask, seen: Fingerprint) -> None:
        served.seen = seen
        before = served.lane.serving
        try:
            serving = await asyncio.to_thread(self._load, name)
            if serving is not None:
                await self._pool.prepare(serving.program)
        except (LoopaiError, OSError) as error:
            served.problem = str(error)
            served.retry_at = time.monotonic() + SECONDS_BETWEEN_RETRIES
            kept = f"; v{before.version} goes on serving" if before else ""
            logger.error("cannot take up %s: %s%s", name, error, kept)
            return
        served.problem = None
        served.lane.serving = serving
        if serving is None:
            logger.warning("no program is active for %s", name)
        elif before is None or before.version != serving.version:
            logger.info("serving %s v%d", name, serving.version)
        else:
            logger.info("took up the changed task of %s", name)

    def _load(self, name: str) -> Serving | None:
        """A task's active program, past the gate; None when no version is active."""
        task = load_task(self.data_dir, name, with_examples=False)
        version = self._store.active(name)
        if version is None:
            return None
        program = load_program(self._store.program_source(name, version))
        return Serving(
            task=task,
            task_id=str(task.id).encode(),
            version=version,
            program=program,
            input_check=SchemaCheck(task.input_schema, "input_schema"),
            output_check=SchemaCheck(task.output_schema, "output_schema"),
        )

    def _fingerprints(self) -> dict[str, Fingerprint]:
        """What each task's files look like; changes when a version or task.yaml does."""
        found: dict[str, Fingerprint] = {}
        for name in self.data_dir.task_names():
            try:
                file = self.data_dir.task_file(name).stat()
                version = self._store.active(name)
            except (LoopaiError, OSError):
                continue  # no slug, or removed meanwhile: no task of ours
            found[name] = (version, file.st_mtime_ns, file.st_size, file.st_ino)
        return found
