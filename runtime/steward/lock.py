"""Sees to it that one steward, or one retention run, works on a data directory at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.data_dir import DataDir, make_folder
from runtime.errors import LoopaiError, Problem


def steward_lock(data_dir: DataDir) -> Path:
    """The file whose lock the one steward of a data directory holds."""
    return data_dir.state / "steward.lock"


@contextmanager
def hold_lock(
    path: Path, message: str, *, wait: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold the lock of `path` during the block; the kernel gives it up with the process.

    While another has it, asks again as long as `wait` says so, then raises LoopaiError(message).
    """
    make_folder(path.parent, sync=False)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait():
                    raise LoopaiError(Problem(message, path)) from None
        yield
    finally:
        os.close(handle)
