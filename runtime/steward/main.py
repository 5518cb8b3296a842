"""`python -m runtime.steward`: the steward of a data directory, until SIGTERM.

It is a child of the supervisor, and starts again where its last transaction left it.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.epoch import TABLES as EPOCH
from runtime.steward.lock import hold_lock, steward_lock
from runtime.steward.loop import Steward
from runtime.steward.observer import LogObserver, StewardContext
from runtime.steward.observers import make_observers, names_for
from runtime.steward.samples import TABLES as SAMPLES
from runtime.steward.state import open_state

logger = logging.getLogger("loopai.steward")

EXIT_WRONG = 2
SECONDS_BETWEEN_TRIES = 1.0

Observers = Callable[[StewardContext], Sequence[LogObserver]]


def main() -> int:
    """Run until SIGTERM; returns the exit code. While another steward has the lock, it waits."""
    from runtime.server.log_format import log_to_stderr

    log_to_stderr("json" if os.environ.get("LOOPAI_LOG_FORMAT") == "json" else "text")
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        return run(DataDir(), stop)
    except LoopaiError as error:
        logger.error("%s", error)
        return EXIT_WRONG
    except sqlite3.Error as error:
        logger.error("its database cannot be used: %s", error)
        return EXIT_WRONG


def _configured(context: StewardContext) -> Sequence[LogObserver]:
    return make_observers(context, names_for(context.config))


def run(data_dir: DataDir, stop: threading.Event, observers: Observers = _configured) -> int:
    """Be the steward of a data directory until `stop` is set. Raises LoopaiError."""
    config = load_deployment(data_dir.deployment_file)
    told = threading.Event()

    def wait() -> bool:
        if not told.is_set():
            told.set()
            logger.info("another steward looks after %s: waiting for it to end", data_dir.root)
        return not stop.wait(SECONDS_BETWEEN_TRIES)

    try:
        with (
            hold_lock(steward_lock(data_dir), "another steward is at work.", wait=wait),
            open_state(data_dir, f"{CURSORS};{SAMPLES};{EPOCH}") as state,
        ):
            context = StewardContext(data_dir, config, state)
            Steward(context, observers(context)).run(stop)
    except LoopaiError:
        if not stop.is_set():
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
