"""`python -m sync.hub.improvement.process`: the engine beside a hub, until SIGTERM or its end.

The hub serves in another process, so nothing done here keeps a caller waiting. One at a time over
all processes of a hub's folder.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from runtime.child_process import end_with_parent
from runtime.data_dir import make_folder
from runtime.errors import LoopaiError
from sync.hub.app import open_hub
from sync.hub.improvement.engine import Engine
from sync.hub.improvement.improver import load_improver

LOCK_FILE = "improvement.lock"
SECONDS_BETWEEN_TICKS = 1.0
#: Making programs must not slow down those who are served meanwhile.
NICENESS = 10

logger = logging.getLogger("loopai.hub.improvement")


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else tries to improve anything at this hub; True holds during the block."""
    make_folder(folder)
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


class Rounds:
    """Looks at every task each `every` seconds, and at those a person asked for within one."""

    def __init__(self, engine: Engine, every: float) -> None:
        self._engine = engine
        self._every = every
        self._next = 0.0

    def turn(self) -> None:
        """Whatever is due. Raises SQLAlchemyError."""
        for tenant, task in self._engine.ledger.wanted():
            self._engine.look(tenant, task, forced=True)
        if time.monotonic() >= self._next:
            for tenant, task in self._engine.ledger.tasks():
                self._engine.look(tenant, task)
            self._next = time.monotonic() + self._every


def run(folder: Path, engine: Engine, every: float, stop: threading.Event) -> None:
    """Go on until `stop`; waits while another process has the work."""
    rounds = Rounds(engine, every)
    while not stop.is_set():
        with alone(folder) as mine:
            if mine:
                _work(engine, rounds, stop)
        stop.wait(SECONDS_BETWEEN_TICKS)


def _work(engine: Engine, rounds: Rounds, stop: threading.Event) -> None:
    try:
        cut_off = engine.ledger.end_cut_off()
        if cut_off:
            logger.warning(
                "%d runs were cut off: they count for nothing and are made anew", cut_off
            )
        while not stop.is_set():
            rounds.turn()
            stop.wait(SECONDS_BETWEEN_TICKS)
    except SQLAlchemyError as error:
        logger.error("the database failed: %s", str(error).splitlines()[0])


def main(folder: str, improver: str, every: str, parent: str) -> int:
    """`parent` is the hub's process. LOOPAI_HUB_DATABASE names the database, so that no password
    is among the arguments."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    end_with_parent(int(parent))
    os.nice(NICENESS)

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)  # a run under way is given up: the next start makes it anew

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    place = Path(folder)
    try:
        store, key = open_hub(place, os.environ.get("LOOPAI_HUB_DATABASE") or None)
        with closing(store):
            engine = Engine(place, store, key, load_improver(improver))
            run(place, engine, float(every), threading.Event())
    except LoopaiError as error:
        logger.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
