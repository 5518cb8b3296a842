"""Rollouts over HTTP: how far each is and why. Changes none."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.rollout.document import past_rollouts, read_rollout, tasks_with_rollout
from runtime.rollout.rollout import Rollout
from runtime.server.served_tasks import ServedTasks

SHOWN = {"id", "task", "baseline", "candidate", "state", "percent", "reason", "stage_started_at"}


class RolloutPages:
    """The handlers of `/v1/rollouts`. They read the disk, so each runs on a thread."""

    def __init__(self, tasks: ServedTasks) -> None:
        self._tasks = tasks

    def all(self, request: Request) -> Response:
        """The last rollout of every task that has had one."""
        data_dir = self._tasks.data_dir
        names = [name for name in tasks_with_rollout(data_dir) if name in self._tasks.by_name]
        found = [read_rollout(data_dir, name) for name in names]
        return JSONResponse({"rollouts": [summary(rollout) for rollout in found if rollout]})

    def one(self, request: Request) -> Response:
        """The last rollout of a task with its history, and the ones before it in short."""
        name = self._tasks.known(request.path_params["task"])
        rollout = read_rollout(self._tasks.data_dir, name)
        past = past_rollouts(self._tasks.data_dir, name)
        return JSONResponse(
            {
                "task": name,
                "rollout": None if rollout is None else rollout.model_dump(mode="json"),
                "past": [summary(known) for known in past],
            }
        )


def summary(rollout: Rollout) -> dict[str, Any]:
    """A rollout in short, as JSON."""
    return rollout.model_dump(mode="json", include=SHOWN)
