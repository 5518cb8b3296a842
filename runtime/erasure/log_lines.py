"""Finds lines in log files, plain and compressed, and overwrites them where they stand."""

from __future__ import annotations

import fcntl
import gzip
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.data_dir import open_atomic
from runtime.datasets.log_files import LogFile
from runtime.datasets.reader import MAX_LINE, Record, decode_record, open_log_file
from runtime.encryption.archive import compressing, open_compressed
from runtime.encryption.lines import HEAD, LineSeal, room_in, seal_of_file
from runtime.erasure.tombstone import tombstone


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A whole line: where it begins in the content, and what it says."""

    offset: int
    line: bytes
    record: Record


def lines_of(file: LogFile) -> Iterator[FoundLine]:
    """The sound lines that a file has now. Raises OSError and what a damaged file raises
    (EOFError, zlib.error)."""
    with open_log_file(file) as content:
        offset = 0
        # A plain file may grow faster than it is read.
        packed = isinstance(content, gzip.GzipFile)
        end = sys.maxsize if packed else os.fstat(content.fileno()).st_size
        while offset < end and (line := content.readline(MAX_LINE)):
            if not line.endswith(b"\n"):
                if len(line) < MAX_LINE:
                    return
                offset += len(line)
                continue
            with suppress(ValueError, RecursionError):  # reported where the log is read
                yield FoundLine(offset, line[:-1], decode_record(line))
            offset += len(line)


def erase_in_place(file: LogFile, found: list[FoundLine]) -> None:
    """Overwrite lines of a plain file, which may be appended to meanwhile. Raises OSError."""
    handle = os.open(file.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        seal = seal_of_file(file.path, os.pread(handle, HEAD, 0))
        for line in found:
            os.pwrite(handle, _erased_in_place(line, seal), line.offset)
        os.fsync(handle)
    finally:
        os.close(handle)


def _erased_in_place(found: FoundLine, seal: LineSeal | None) -> bytes:
    if seal is None:
        return tombstone(found.line)
    # Opened, it is filled up to its length in the file; sealed again, it has that length.
    return seal.seal([tombstone(found.line[: room_in(len(found.line))])], found.offset)[0]


def erase_in_compressed(file: LogFile, is_meant: Callable[[Record], bool]) -> None:
    """Write a compressed file anew, its lines of the same length. Raises OSError."""
    mode = file.path.stat().st_mode & 0o777
    with open_atomic(file.path, private=True) as target:
        with open_compressed(file.path) as content, compressing(target, file.path) as packed:
            while line := content.readline(MAX_LINE):
                packed.write(_erased(line, is_meant))
        os.fchmod(target.fileno(), mode)


def erase_raw(path: Path, needles: list[bytes]) -> int:
    """Remove the lines that contain all of `needles` from a file of torn lines that were set
    aside; returns how many. Raises OSError."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not all(needle in line.lower() for needle in needles)]
    if len(kept) < len(lines):
        with open_atomic(path, private=True) as file:
            file.writelines(kept)
    return len(lines) - len(kept)


@contextmanager
def holding_folder(folder: Path) -> Iterator[None]:
    """Whoever settles validations holds their folder's lock while it writes."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _erased(line: bytes, is_meant: Callable[[Record], bool]) -> bytes:
    try:
        meant = line.endswith(b"\n") and is_meant(decode_record(line))
    except (ValueError, RecursionError):
        return line
    return tombstone(line[:-1]) + b"\n" if meant else line
