"""Everything but executions: health, readiness, metrics, tasks, and the other pages' routes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from runtime.alerts.standings import read_alerts
from runtime.datasets.log_files import list_log_files
from runtime.server.answers import problem
from runtime.server.artifact_pages import ArtifactPages
from runtime.server.dashboard import TaskView, dashboard_html
from runtime.server.dataset_pages import DatasetPages
from runtime.server.lane_gauges import show_lanes
from runtime.server.live_dashboard import LiveDashboard
from runtime.server.metrics import Metrics, TaskState
from runtime.server.openapi import openapi_document
from runtime.server.page_answers import HANDLERS, response_of
from runtime.server.rollout_pages import RolloutPages
from runtime.server.served_tasks import ServedTask, ServedTasks
from runtime.server.steward_metrics import steward_metrics

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
# The dashboard is one page with its style in it; it needs nothing from anywhere.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
SHOWN_FAILURES = 10


def build_pages(tasks: ServedTasks, default_task: str, metrics: Metrics) -> Starlette:
    """The Starlette application behind every path that does not execute."""
    datasets = DatasetPages(tasks)
    artifacts = ArtifactPages(tasks)
    rollouts = RolloutPages(tasks)
    pages = _Pages(tasks, default_task, metrics, datasets)
    routes = [
        Route("/health", pages.health),
        Route("/ready", pages.ready),
        Route("/metrics", pages.metrics),
        Route("/openapi.json", pages.openapi),
        Route("/dashboard", pages.dashboard),
        *pages.live.routes(),
        Route("/v1/tasks", pages.tasks),
        Route("/v1/tasks/{task}", pages.task),
        Route("/v1/artifacts/{task}", artifacts.versions),
        Route("/v1/artifacts/{task}/activate", artifacts.activate, methods=["POST"]),
        Route("/v1/artifacts/{task}/rollback", artifacts.roll_back, methods=["POST"]),
        Route("/v1/rollouts", rollouts.all),
        Route("/v1/rollouts/{task}", rollouts.one),
        Route("/v1/datasets/{task}/executions", datasets.executions),
        Route("/v1/datasets/{task}/stats", datasets.stats),
        # Their POST is answered before Starlette is asked; any other method is 405 here.
        Route("/execute", _OnlyPost()),
        Route("/execute/batch", _OnlyPost()),
        Route("/v1/execute/{task}", _OnlyPost()),
        Route("/v1/execute/{task}/batch", _OnlyPost()),
    ]
    application = Starlette(routes=routes, exception_handlers=HANDLERS)
    # A path with a slash too many is 404, not a redirect.
    application.router.redirect_slashes = False
    return application


class _Pages:
    def __init__(
        self, tasks: ServedTasks, default_task: str, metrics: Metrics, datasets: DatasetPages
    ) -> None:
        self._tasks = tasks
        self._default_task = default_task
        self._metrics = metrics
        self._datasets = datasets
        self.live = LiveDashboard(tasks, default_task)
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
        """200 while the default task would be answered: its program loaded, its log writable."""
        served = self._tasks.by_name.get(self._default_task)
        if served is None or served.lane.serving is None:
            detail = f"No program of {self._default_task!r} is active; GET /health says more."
            return response_of(problem("no-active-program", detail))
        if served.lane.log.problem is not None:
            # Only an append clears it, and none comes while nobody sends: so look at the disk.
            refusal = await asyncio.to_thread(_refusal_of, served.lane.log.folder)
            if refusal is not None:
                detail = f"The execution log cannot be written: {refusal}."
                return response_of(problem("not-ready", detail, (b"retry-after", b"1")))
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus' text format, of all workers."""
        show_lanes(self._tasks, self._metrics)
        text = await asyncio.to_thread(self._metrics.text, self._task_states)
        text += await asyncio.to_thread(steward_metrics, self._tasks.data_dir)
        return Response(text, media_type=PROMETHEUS)

    async def openapi(self, request: Request) -> Response:
        """OpenAPI 3.1 of what this runtime answers now."""
        servings = [served.lane.serving for served in self._tasks.by_name.values()]
        tasks = [serving.task for serving in servings if serving is not None]
        return JSONResponse(
            openapi_document(version("loopai-workbench"), tasks, self._default_task)
        )

    def dashboard(self, request: Request) -> Response:
        """What has happened, as one page. Reads the log's end, so on a thread."""
        if self.live.wanted(request):
            return self.live.html(request)
        totals = self._metrics.totals()
        views = []
        for name, served in sorted(self._tasks.by_name.items()):
            failures = self._datasets.newest(name, SHOWN_FAILURES, ("error", "timeout"))
            minutes = self._metrics.per_minute(name)
            views.append(TaskView(name, _state(served), totals, minutes, failures))
        alerts = read_alerts(self._tasks.data_dir)
        html = dashboard_html(views, version("loopai-workbench"), alerts)
        return HTMLResponse(html, headers={"content-security-policy": PAGE_POLICY})

    async def tasks(self, request: Request) -> Response:
        """Every task that is served."""
        names = sorted(self._tasks.by_name)
        return JSONResponse({"tasks": [self._describe(name) for name in names]})

    async def task(self, request: Request) -> Response:
        """One task with its schemas."""
        name = self._tasks.known(request.path_params["task"])
        description = self._describe(name)
        serving = self._tasks.by_name[name].lane.serving
        if serving is not None:
            description["input_schema"] = serving.task.input_schema
            description["output_schema"] = serving.task.output_schema
        return JSONResponse(description)

    def _task_states(self) -> list[TaskState]:
        return [
            (name, served.lane.serving.version if served.lane.serving else None, _log_bytes(served))
            for name, served in list(self._tasks.by_name.items())
        ]

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
        response = response_of(problem("method-not-allowed", detail, (b"allow", b"POST")))
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


def _refusal_of(folder: Path) -> str | None:
    """Why nothing can be written to `folder`; None when something can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 8192)
            probe.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None
