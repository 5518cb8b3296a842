"""The versions of a task's program over HTTP: listed, activated, rolled back. Makes none."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.artifacts import ArtifactStore
from runtime.errors import NotFoundError
from runtime.rollout.control import activate_by_hand, roll_back_by_hand
from runtime.server.answers import problem
from runtime.server.page_answers import ProblemError, read_shape
from runtime.server.served_tasks import ServedTasks

SHOWN = ("id", "synthesis_strategy", "confidence_score", "created_at")

# JSON Schema's integers, 2.0 among them.
Version = Annotated[float, msgspec.Meta(ge=1, le=999_999_999)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class Activate(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an activation."""

    version: Version
    reason: Reason = ""


class RollBack(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a roll-back; without a version, to the one that served before."""

    version: Version | None = None
    reason: Reason = ""


class ArtifactPages:
    """The handlers; each reads or changes the disk on a thread."""

    def __init__(self, tasks: ServedTasks) -> None:
        self._tasks = tasks
        self._store = ArtifactStore(tasks.data_dir)

    def versions(self, request: Request) -> Response:
        """The versions of a task's program, newest first."""
        name = self._tasks.known(request.path_params["task"])
        active = self._store.active(name)
        versions = [
            {
                "version": number,
                "active": number == active,
                "status": self._store.status(name, number),
                **_summary(self._store.metadata(name, number)),
            }
            for number in reversed(self._store.versions(name))
        ]
        return JSONResponse({"task": name, "active_version": active, "versions": versions})

    async def activate(self, request: Request) -> Response:
        """Make a version the one that serves; workers take it up within a second."""
        name = self._tasks.known(request.path_params["task"])
        wanted = await read_shape(request, Activate)
        version = self._existing(name, wanted.version)
        before = await asyncio.to_thread(
            activate_by_hand, self._store, name, version, reason=wanted.reason
        )
        return _switched(name, version, before)

    async def roll_back(self, request: Request) -> Response:
        """Go back to a version, or to the one that served before."""
        name = self._tasks.known(request.path_params["task"])
        wanted = await read_shape(request, RollBack)
        target = None if wanted.version is None else self._existing(name, wanted.version)
        before = self._store.active(name)
        try:
            version = await asyncio.to_thread(
                roll_back_by_hand, self._store, name, target, reason=wanted.reason
            )
        except NotFoundError as error:
            raise ProblemError(problem("unknown-version", str(error))) from None
        return _switched(name, version, before)

    def _existing(self, name: str, version: float) -> int:
        if not version.is_integer():
            errors = [{"path": "/version", "message": f"{version} is no whole number"}]
            detail = "The body does not say what it must."
            raise ProblemError(problem("invalid-input", detail, errors=errors))
        if int(version) not in self._store.versions(name):
            detail = f"{name} has no version {int(version)}."
            raise ProblemError(problem("unknown-version", detail))
        return int(version)


def _switched(name: str, version: int, before: int | None) -> Response:
    return JSONResponse({"task": name, "active_version": version, "previous_version": before})


def _summary(metadata: dict[str, Any]) -> dict[str, Any]:
    artifact = metadata["artifact"]
    return {key: artifact.get(key) for key in SHOWN}
