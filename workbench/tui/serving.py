"""Runtimes that the app has started: they serve while it is open and end with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from contextlib import closing

from runtime.data_dir import DataDir
from workbench.tui.child_command import ChildCommand


class Serving:
    """At most one runtime a task."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._running: dict[str, tuple[ChildCommand, str, asyncio.Task[None]]] = {}

    def address(self, task: str) -> str | None:
        """Where a task is served by the app; None when it is not."""
        found = self._running.get(task)
        return found[1] if found and found[0].running else None

    async def start(self, task: str) -> str:
        """Start a runtime and wait until it answers; its address.

        It takes the configured port, or any free one where that is taken. Raises LoopaiError
        with what the runtime said when it does not start.
        """
        from runtime.config import load_deployment  # takes a third of the app's start

        config = load_deployment(self._data_dir.deployment_file).runtime
        port = config.port if _is_free(config.host, config.port) else 0
        command = ChildCommand(
            "runtime",
            [
                *("start", "--json", "--task-id", task, "--port", str(port)),
                *("--data-dir", str(self._data_dir.root)),
            ],
        )
        await command.start()
        # Its log must be read, or it would stop when the pipe is full.
        reading = asyncio.create_task(command.follow(lambda line: None))
        try:
            ready = await command.first_line()
            if not ready:
                code, _ = await command.lines()
                await reading
                raise command.failure(code)
        except BaseException:
            command.kill()
            raise
        url = str(json.loads(ready)["url"])
        self._running[task] = (command, url, reading)
        return url

    async def stop(self, task: str) -> None:
        """End a task's runtime once it has answered what is under way."""
        command, _, reading = self._running.pop(task)
        await command.stop()
        await reading
        command.kill()

    def kill_all(self) -> None:
        """End every runtime at once."""
        for command, _, reading in self._running.values():
            command.kill()
            with contextlib.suppress(RuntimeError):  # the app's loop is closed
                reading.cancel()

    async def stop_all(self) -> None:
        """End every runtime."""
        for task in list(self._running):
            await self.stop(task)


def _is_free(host: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
