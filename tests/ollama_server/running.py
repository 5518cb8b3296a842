"""The server in a thread of the test's own process, on a port the system chooses."""

from __future__ import annotations

import threading
import time
from typing import Any

import uvicorn

from .app import OllamaState, make_app


class RunningOllama:
    """Serves until the block ends. `state` may be looked at and changed meanwhile."""

    def __init__(self, state: OllamaState | None = None, **fields: Any) -> None:
        self.state = state or OllamaState(**fields)
        config = uvicorn.Config(
            make_app(self.state),
            host="127.0.0.1",
            port=0,
            log_level="critical",
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __enter__(self) -> RunningOllama:
        self._thread.start()
        deadline = time.monotonic() + 15
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise AssertionError("the test server did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *exception: object) -> None:
        self.state.stopping.set()
        self._server.should_exit = True
        self._thread.join(10)
