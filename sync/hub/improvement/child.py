"""Keeps the engine's process running beside the hub, and ends it with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_DELAY, MOST_DELAY = 1.0, 60.0
#: One that lived so long did not fail at its start.
STEADY_SECONDS = 60.0
SECONDS_TO_END = 5.0

logger = logging.getLogger("loopai.hub")


def engine_process(
    folder: Path, database: str | None, improver: str, every: float
) -> tuple[list[str], dict[str, str]]:
    """The command and environment of the engine, to be started by this very process."""
    module, parent = "sync.hub.improvement.process", str(os.getpid())
    command = [sys.executable, "-m", module, str(folder), improver, str(every), parent]
    return command, {**os.environ, "LOOPAI_HUB_DATABASE": database or ""}


@contextmanager
def improving_beside(
    folder: Path, database: str | None, improver: str, every: float
) -> Iterator[None]:
    """The engine runs during the block, and is started again when it ends by itself."""
    keeper = _Keeper(folder, database, improver, every)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _Keeper(threading.Thread):
    """The thread that starts the process outlives it: the process is to end with its parent."""

    def __init__(self, folder: Path, database: str | None, improver: str, every: float) -> None:
        super().__init__(name="improvement", daemon=True)
        self._command, self._environment = engine_process(folder, database, improver, every)
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._process = subprocess.Popen(self._command, env=self._environment)
            code = self._process.wait()
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - started > STEADY_SECONDS else failures + 1
            delay = min(MOST_DELAY, FIRST_DELAY * 2 ** min(failures, 10))
            logger.error("the improvement engine ended (%d); again in %.0f s", code, delay)
            self._stopping.wait(delay)

    def stop(self) -> None:
        """End the process and wait until it has."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
        self.join(SECONDS_TO_END)
