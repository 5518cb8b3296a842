"""Opens a log file as its one owner: locked, and rid of the torn tail a crash left behind.

The torn tail is set aside in `<name>.quarantine`, never thrown away and never read as data.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from runtime.datasets.log_files import QUARANTINE

CHUNK = 65_536
# Lines hold what callers sent: not for every user of the machine to read.
MODE = 0o640


@dataclass(frozen=True, slots=True)
class OwnedFile:
    """An open, locked file: `end` is its size in bytes, all of it whole lines."""

    handle: int
    end: int
    set_aside: int


def open_owned(path: Path, *, create: bool = True) -> OwnedFile | None:
    """Open `path` for appending and lock it; None when another writer owns it.

    Closing the handle gives the lock up. Raises OSError when the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    while True:
        handle = os.open(path, flags, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_same_file(handle, path):
                set_aside = _set_aside_torn_tail(handle, path)
                return OwnedFile(handle, os.fstat(handle).st_size, set_aside)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        # Removed or compressed between open and lock: what we hold is no longer the file.
        os.close(handle)


def is_same_file(handle: int, path: Path) -> bool:
    """Whether `path` still names the file that is open as `handle`."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _set_aside_torn_tail(handle: int, path: Path) -> int:
    """Move what stands after the last line end; returns how many bytes that was."""
    size = os.fstat(handle).st_size
    end = end_of_last_line(handle, size)
    if end == size:
        return 0
    quarantine = path.with_name(path.name + QUARANTINE)
    aside = os.open(quarantine, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
    with os.fdopen(aside, "ab") as file:
        for offset in range(end, size, CHUNK):
            file.write(os.pread(handle, min(CHUNK, size - offset), offset))
        file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.ftruncate(handle, end)
    return size - end


def end_of_last_line(handle: int, size: int) -> int:
    """The offset just after the last line end, 0 when there is none."""
    stop = size
    while stop > 0:
        start = max(0, stop - CHUNK)
        found = os.pread(handle, stop - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return 0
