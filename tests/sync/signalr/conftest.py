"""A running hub on a free port, in this process's own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn

from sync.signalr import Hub, Limits
from tests.support import wait_until
from tests.sync.signalr.hub_server import PATH, make_app

RunHub = Callable[..., "RunningHub"]


class RunningHub:
    """A hub under uvicorn with a loop of its own."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.hub: Hub
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{PATH}"
        self._limits = limits
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        wait_until(lambda: self._server is not None and self._server.started)

    async def _serve(self) -> None:
        app, self.hub = make_app(self._limits)
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio")
        self.server = server = uvicorn.Server(config)
        self.loop = asyncio.get_running_loop()
        self.hub.start()
        self._server = server
        await server.serve([self._listener])
        await self.hub.stop()

    def call(self, function: Callable[[], object]) -> None:
        """Run something on the hub's own loop."""
        self.loop.call_soon_threadsafe(function)

    def stop(self) -> None:
        """End it, clients told."""
        if self._server is not None:
            for connection in list(self.hub.by_token.values()):
                self.call(lambda one=connection: one.close(allow_reconnect=True))  # type: ignore[misc]
            self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    running = RunningHub()
    yield running
    running.stop()


@pytest.fixture
def run_hub() -> Iterator[RunHub]:
    made: list[RunningHub] = []

    def run(**limits: float) -> RunningHub:
        made.append(RunningHub(Limits(**limits)))  # type: ignore[arg-type]
        return made[-1]

    yield run
    for running in made:
        running.stop()
