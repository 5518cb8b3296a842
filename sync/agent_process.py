"""`python -m sync.agent_process`: the agent of a data directory, until SIGTERM.

The supervisor starts it where a hub is configured. Serving never waits for it.
"""

from __future__ import annotations

import logging
import signal
import sqlite3
import sys
import threading
from types import FrameType

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.steward.lock import hold_lock

EXIT_WRONG = 2

logger = logging.getLogger("loopai.sync")


def main() -> int:
    """Run until SIGTERM; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        from sync.agent import run
    except ModuleNotFoundError as error:
        logger.error(
            "a hub is configured, but %s is not installed: pip install 'loopai-workbench[sync]'",
            error.name,
        )
        return EXIT_WRONG
    data_dir = DataDir()
    try:
        # Replicas that share a data directory have one agent: the others wait for it to end.
        lock = data_dir.state / "agent.lock"
        with hold_lock(lock, "another agent is at work.", wait=lambda: not stop.wait(1.0)):
            return run(data_dir, stop)
    except (LoopaiError, OSError, sqlite3.Error) as error:
        if stop.is_set():
            return 0
        logger.error("%s", error)
        return EXIT_WRONG


if __name__ == "__main__":
    sys.exit(main())
