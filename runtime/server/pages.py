"""Everything but executions: health, readiness, metrics, tasks and artifacts, as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from runtime.artifacts import ArtifactStore
from runtime.datasets.log_files import list_log_files
from runtime.errors import LoopaiError, NotFoundError
from runtime.server.answers import Answer, problem
from runtime.server.lane_gauges import show_lanes
from runtime.server.metrics import Metrics, TaskState
from runtime.server.served_tasks import ServedTask, ServedTasks

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def build_pages(tasks: ServedTasks, default_task: str, metrics: Metrics) -> Starlette:
    """The Starlette application behind every path that does not execute."""
    pages = _Pages(tasks, default_task, metrics)
    routes = [
        Route("/health", pages.health),
        Route("/ready", pages.ready),
        Route("/metrics", pages.metrics),
        Route("/v1/tasks", pages.tasks),
        Route("/v1/tasks/{task}", pages.task),
        Route("/v1/artifacts/{task}", pages.artifacts),
        # Their POST is answered before Starlette is asked; any other method is 405 here.
        Route("/execute", _OnlyPost()),
        Route("/execute/batch", _OnlyPost()),
        Route("/v1/execute/{task}", _OnlyPost()),
        Route("/v1/execute/{task}/batch", _OnlyPost()),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _http_problem,
            NotFoundError: _not_found,
            LoopaiError: _loopai_problem,
            Exception: _failure,
        },
    )


class _Pages:
    def __init__(self, tasks: ServedTasks, default_task: str, metrics: Metrics) -> None:
        self._tasks = tasks
        self._default_task = default_task
        self._metrics = metrics
        self._store = ArtifactStore(tasks.data_dir)
        self._started = time.monotonic()

    async def health(self, request: Request) -> Response:
        """200 as long as the process answers; `degraded` names what is not as it should be."""
        tasks = {name: _state(served) for name, served in self._tasks.by_name.items()}
        well = all(not state["problem"] and not state["log_problem"] for state in tasks.values())
        status = "ok" if well else "degraded"
        if not request.scope["admitted"]:
            return JSONResponse({"status": status})
        return JSONResponse(
            {
                "status": status,
                "version": version("loopai-workbench"),
                "pid": os.getpid(),
                "uptime_sec": round(time.monotonic() - self._started, 3),
                "default_task": self._default_task,
                "tasks": tasks,
            }
        )

    async def ready(self, request: Request) -> Response:
        """200 while the default task has a loaded program, else 503."""
        served = self._tasks.by_name.get(self._default_task)
        if served is None or served.lane.serving is None:
            detail = f"No program of {self._default_task!r} is active; GET /health says more."
            return _response(problem("no-active-program", detail))
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus' text format, of all workers."""
        show_lanes(self._tasks, self._metrics)
        text = await asyncio.to_thread(self._metrics.text, self._task_states)
        return Response(text, media_type=PROMETHEUS)

    async def tasks(self, request: Request) -> Response:
        """Every task that is served."""
        names = sorted(self._tasks.by_name)
        return JSONResponse({"tasks": [self._describe(name) for name in names]})

    async def task(self, request: Request) -> Response:
        """One task with its schemas."""
        name = request.path_params["task"]
        description = self._describe(self._known(name))
        serving = self._tasks.by_name[name].lane.serving
        if serving is not None:
            description["input_schema"] = serving.task.input_schema
            description["output_schema"] = serving.task.output_schema
        return JSONResponse(description)

    def artifacts(self, request: Request) -> Response:
        """The versions of a task's program, newest first. Reads the disk, so on a thread."""
        name = self._known(request.path_params["task"])
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

    def _task_states(self) -> list[TaskState]:
        return [
            (name, served.lane.serving.version if served.lane.serving else None, _log_bytes(served))
            for name, served in list(self._tasks.by_name.items())
        ]

    def _known(self, name: str) -> str:
        if name not in self._tasks.by_name:
            raise NotFoundError(f"There is no task {name!r} here.")
        return name

    def _describe(self, name: str) -> dict[str, Any]:
        served = self._tasks.by_name[name]
        serving = served.lane.serving
        return {
            "name": name,
            "id": str(serving.task.id) if serving else None,
            "description": serving.task.description if serving else None,
            "default": name == self._default_task,
            **_state(served),
        }


class _OnlyPost:
    """405 for every method: an ASGI application, so that Starlette adds none of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"{scope['method']} is not answered at {scope['path']}."
        response = _response(problem("method-not-allowed", detail, (b"allow", b"POST")))
        await response(scope, receive, send)


def _state(served: ServedTask) -> dict[str, Any]:
    lane = served.lane
    return {
        "active_version": lane.serving.version if lane.serving else None,
        "problem": served.problem,
        "log_problem": lane.log.problem,
        "torn_lines_set_aside": lane.log.quarantined,
        "in_flight": lane.in_flight,
    }


def _log_bytes(served: ServedTask) -> int:
    """What the log takes up on disk; reads the folder, not the files."""
    with contextlib.suppress(OSError):
        return sum(file.path.stat().st_size for file in list_log_files(served.lane.log.folder))
    return 0


def _summary(metadata: dict[str, Any]) -> dict[str, Any]:
    artifact = metadata["artifact"]
    keys: Sequence[str] = ("id", "synthesis_strategy", "confidence_score", "created_at")
    return {key: artifact.get(key) for key in keys}


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=headers)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = [(k.encode(), v.encode()) for k, v in (error.headers or {}).items()]
    if error.status_code == 405:
        detail = f"{request.method} is not answered at {request.url.path}."
        return _response(problem("method-not-allowed", detail, *headers))
    return _response(problem("not-found", f"There is nothing at {request.url.path}."))


async def _not_found(request: Request, error: Exception) -> Response:
    return _response(problem("unknown-task", str(error)))


async def _loopai_problem(request: Request, error: Exception) -> Response:
    return _response(problem("internal-error", str(error)))


async def _failure(request: Request, error: Exception) -> Response:
    # Starlette logs it with its traceback; the caller learns only that it happened.
    return _response(problem("internal-error", "Something failed; see the server's log."))
