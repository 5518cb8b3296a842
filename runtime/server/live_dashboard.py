"""The full dashboard, live, where the workbench is installed; found by name, never imported here
unless it is there. Without it, or with `?plain`, the plain page is shown.

Its pictures come from a process of their own, one at a time, so executions do not notice.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import sys
import time
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from runtime.server.answers import problem
from runtime.server.page_answers import ProblemError, query_number
from runtime.server.served_tasks import ServedTasks

#: A module with the functions of `LivePage`.
MODULE = "workbench.report.live"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
MOST_DAYS = 366
SECONDS_TO_DRAW = 60.0
# Several who look at the same page cause one drawing.
SECONDS_KEPT = 4.0

logger = logging.getLogger("loopai.server")


class LivePage(Protocol):
    """What `MODULE` offers."""

    def page_html(self, tasks: list[str], task: str, days: int) -> str:
        """The page without its data."""

    def page_files(self) -> dict[str, tuple[Path, str]]:
        """Path and media type of each file the page asks for, by name."""

    def data_command(self, task: str, days: int, root: str) -> tuple[str, ...]:
        """Arguments of a Python that prints the page's data as JSON."""


class LiveDashboard:
    """Its handlers; `page` is None where the full page is not installed."""

    def __init__(self, tasks: ServedTasks, default_task: str) -> None:
        self._tasks = tasks
        self._default_task = default_task
        self._one_at_a_time = asyncio.Lock()
        self._kept: dict[tuple[str, int], tuple[float, bytes]] = {}
        self._files: dict[str, tuple[Path, str]] = {}
        self.page = _find()
        if self.page is not None:
            self._files = self.page.page_files()

    def routes(self) -> list[Route]:
        """Of the page's data and files; none where there is no page."""
        if self.page is None:
            return []
        return [
            Route("/dashboard/data/{task}", self.data),
            Route("/dashboard/files/{name}", self.file),
        ]

    def wanted(self, request: Request) -> bool:
        """Whether this request gets the full page."""
        return self.page is not None and "plain" not in request.query_params

    def html(self, request: Request) -> Response:
        """The page: `task` (default: the default task) and `days` say what it shows."""
        assert self.page is not None
        names = sorted(self._tasks.by_name)
        task = request.query_params.get("task") or self._default_task
        days = query_number(request, "days", 1, MOST_DAYS)
        html = self.page.page_html(names, self._tasks.known(task), days)
        return HTMLResponse(html, headers={"content-security-policy": POLICY})

    async def data(self, request: Request) -> Response:
        """Cards and pictures as JSON, at most a few seconds old."""
        name = self._tasks.known(request.path_params["task"])
        days = query_number(request, "days", 1, MOST_DAYS)
        async with self._one_at_a_time:
            made, content = self._kept.get((name, days), (0.0, b""))
            if not content or time.monotonic() - made > SECONDS_KEPT:
                content = await self._draw(name, days)
                self._kept = {(name, days): (time.monotonic(), content)}
        return Response(
            content, media_type="application/json", headers={"cache-control": "no-store"}
        )

    async def file(self, request: Request) -> Response:
        """A script or style of the page."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise ProblemError(problem("not-found", f"Nothing is at {request.url.path}."))
        path, media_type = found
        headers = {"cache-control": "private, max-age=3600"}
        return FileResponse(path, media_type=media_type, headers=headers)

    async def _draw(self, name: str, days: int) -> bytes:
        assert self.page is not None
        arguments = self.page.data_command(name, days, str(self._tasks.data_dir.root))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), SECONDS_TO_DRAW)
        except TimeoutError:
            output = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not output:
            detail = "The pictures could not be drawn in time; ask for fewer days."
            raise ProblemError(problem("statistics-unavailable", detail))
        return output


def _find() -> LivePage | None:
    """The full page where it is installed with all it needs."""
    try:
        if importlib.util.find_spec(MODULE) is None:
            return None
        page: LivePage = importlib.import_module(MODULE)
        page.page_files()
    except ImportError as error:
        logger.info("the plain dashboard is shown: %s", error)
        return None
    return page
