"""Keeps those who read log lines and those who overwrite them (erasure) apart, over all processes.

Appending needs no lock: erasure changes the inside of lines that are whole, never a length.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.data_dir import DataDir, make_folder
from runtime.errors import LoopaiError, Problem

SECONDS_BETWEEN_TRIES = 0.0005
SECONDS_TO_WAIT = 60.0


@contextmanager
def try_reading(data_dir: DataDir) -> Iterator[bool]:
    """Whether lines may be read during the block; False while some are being overwritten."""
    handle = _open(data_dir)
    try:
        yield _try(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


@contextmanager
def overwriting(data_dir: DataDir) -> Iterator[None]:
    """Nobody who asks reads lines during the block. Keep it short.

    Raises LoopaiError when readers do not make room within a minute.
    """
    handle = _open(data_dir)
    try:
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while not _try(handle, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise LoopaiError(Problem("the log is being read without a pause; try again."))
            time.sleep(SECONDS_BETWEEN_TRIES)
        yield
    finally:
        os.close(handle)


def _open(data_dir: DataDir) -> int:
    make_folder(data_dir.state, sync=False)
    return os.open(
        data_dir.state / "log-content.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640
    )


def _try(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
