"""Executions that happen elsewhere (`runtime.mode: central`): what is asked of who does them.

The one that asks a hub is `sync.central`, loaded by name: nothing here may import it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, Problem
from runtime.server.answers import Answer
from runtime.server.batch import Item

FORWARDER = "sync.central"


class FarLane(Protocol):
    """One task's way to where it is executed."""

    name: str

    def job(self, body: bytes) -> Item | Answer:
        """What an item of a batch asks for, or the problem with it."""

    async def room(self) -> int: ...

    def submit_batch(self, jobs: Sequence[Any]) -> None: ...

    async def answer(self, body: bytes, request_id: bytes) -> Answer:
        """The answer to a request of its own."""


class Elsewhere(Protocol):
    """Who executes instead of this process. On one event loop only."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def lane(self, task: str) -> FarLane | None:
        """The way of a task; None for what can be no task's name."""

    async def page(self, path: str, request_id: bytes) -> Answer:
        """What is there at `/ready` or below `/v1/tasks`."""


def open_elsewhere(data_dir: DataDir, config: DeploymentConfig) -> Elsewhere:
    """Who executes centrally, as configured. Raises LoopaiError."""
    try:
        module = importlib.import_module(FORWARDER)
    except ModuleNotFoundError as error:
        raise LoopaiError(
            Problem(
                f"runtime.mode is central, and {error.name} is not installed.",
                remedy="pip install 'loopai-workbench[sync]'",
            )
        ) from None
    make = cast("Callable[[DataDir, DeploymentConfig], Elsewhere]", module.open_central)
    return make(data_dir, config)
