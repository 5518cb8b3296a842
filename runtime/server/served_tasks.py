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
from runtime.rollout.control import report_unloadable
from runtime.rollout.document import RolloutWatch
from runtime.rollout.rollout import Rollout
from runtime.sandbox.gate import GateError
from runtime.sandbox.pool import Pool
from runtime.sandbox.program import load_program
from runtime.schema_check import SchemaCheck
from runtime.server.execution import Serving
from runtime.server.lane import Lane
from runtime.server.traffic_split import TrafficSplit
from runtime.tasks import load_task

SECONDS_BETWEEN_LOOKS = 0.5
# A failure may pass (a disk that was full, a copy that was not finished, a sandbox that was
# killed): try again soon, and then ever more rarely.
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 10.0

logger = logging.getLogger("loopai.server")

Fingerprint = tuple[object, ...]


@dataclass(slots=True)
class ServedTask:
    """One task: its lane, what its files looked like when last loaded, and what is wrong."""

    lane: Lane
    seen: Fingerprint = ()
    problem: str | None = None
    retry_at: float = 0.0
    failures: int = 0


class ServedTasks:
    """All tasks of a data directory, each with its lane. On the event loop only."""

    def __init__(
        self,
        data_dir: DataDir,
        pool: Pool,
        new_lane: Callable[[str], Lane],
    ) -> None:
        self.data_dir = data_dir
        self.by_name: dict[str, ServedTask] = {}
        self._pool = pool
        self._store = ArtifactStore(data_dir)
        self._rollouts = RolloutWatch(data_dir)
        self._new_lane = new_lane
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
                await self.look()
            except Exception:
                # Whatever is wrong on disk, requests go on being answered as before.
                logger.exception("could not look for new versions")

    async def _take_up(self, name: str, served: ServedTask, seen: Fingerprint) -> None:
        if served.seen != seen:
            served.seen, served.failures = seen, 0
        before = served.lane.serving
        rollout: Rollout | None = None
        try:
            version, rollout = await asyncio.to_thread(self._wanted, name)
            serving = None if version is None else await self._prepared(name, version)
        except (LoopaiError, OSError) as error:
            kept = f"; v{before.version} goes on serving" if before else ""
            self._fail(name, served, f"cannot take up {name}: {error}{kept}", error)
            return
        served.problem = None
        if serving is not None and rollout is not None:
            # Both are loaded before any traffic is split.
            try:
                serving.split = await self._split(name, rollout)
            except (LoopaiError, OSError) as error:
                text = f"cannot roll out {name} v{rollout.candidate}: {error}"
                self._fail(name, served, text, error)
                await self._report_unloadable(rollout, error)
        if served.problem is None:
            served.failures = 0
        served.lane.serving = serving
        if serving is None:
            logger.warning("no program is active for %s", name)
        elif serving.split is not None:
            shares = (serving.split.candidate.version, serving.split.percent)
            logger.info("serving %s v%d, and v%d to %d %%", name, serving.version, *shares)
        elif before is None or before.version != serving.version or before.split is not None:
            logger.info("serving %s v%d", name, serving.version)
        else:
            logger.info("took up the changed task of %s", name)

    def _fail(self, name: str, served: ServedTask, text: str, error: Exception) -> None:
        wait = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(served.failures, 10))
        served.retry_at = time.monotonic() + wait
        served.failures += 1
        if served.problem != str(error) or served.failures == 1:
            logger.error("%s", text)
        served.problem = str(error)

    def _wanted(self, name: str) -> tuple[int | None, Rollout | None]:
        """The active version, and the rollout that splits its traffic."""
        version = self._store.active(name)
        rollout = self._rollouts.rollout(name)
        return version, rollout if rollout is not None and rollout.splits(version) else None

    async def _prepared(self, name: str, version: int) -> Serving:
        serving = await asyncio.to_thread(self._load, name, version)
        await self._pool.prepare(serving.program)
        return serving

    async def _split(self, name: str, rollout: Rollout) -> TrafficSplit:
        config = rollout.config
        return TrafficSplit(
            candidate=await self._prepared(name, rollout.candidate),
            rollout_id=rollout.id.encode(),
            percent=rollout.percent,
            header=config.routing_header.lower().encode(),
            field=config.routing_field,
        )

    async def _report_unloadable(self, rollout: Rollout, error: Exception) -> None:
        for_good = isinstance(error, GateError)
        try:
            await asyncio.to_thread(
                report_unloadable, self.data_dir, rollout, str(error), for_good=for_good
            )
        except (LoopaiError, OSError) as fault:
            logger.error("cannot note it in the rollout: %s", fault)

    def _load(self, name: str, version: int) -> Serving:
        """A version of a task's program, past the gate."""
        task = load_task(self.data_dir, name, with_examples=False)
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
                version, rollout = self._wanted(name)
            except (LoopaiError, OSError):
                continue  # no slug, or removed meanwhile: no task of ours
            split = None if rollout is None else (rollout.id, rollout.percent)
            found[name] = (version, split, file.st_mtime_ns, file.st_size, file.st_ino)
        return found
