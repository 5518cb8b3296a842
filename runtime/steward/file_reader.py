"""Reads whole lines of one log file from an offset, plain or compressed, and says which file it is.

Offsets count uncompressed bytes. It keeps no place of its own and writes nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass

from runtime.datasets.log_files import SIZE_MODULUS, LogFile, content_size
from runtime.datasets.reader import MAX_LINE, LogContent, decode_record, open_log_file
from runtime.steward.observer import Record

MAX_LINES = 1000
MAX_BYTES = 4_000_000
#: What reading a compressed file raises when it is not whole.
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

logger = logging.getLogger("loopai.steward")


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that were read: `end` is the offset after them; `malformed` of them are no records."""

    records: list[Record]
    malformed: int
    end: int

    @property
    def lines(self) -> int:
        return len(self.records) + self.malformed


class FileReader:
    """One log file. A compressed one stays open between reads, for it has one end only."""

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self._compressed: gzip.GzipFile | None = None
        self._at = 0

    def identity(self) -> str | None:
        """What tells this file from another of its name; None while it has no whole line.

        The id of its first execution, which erasure leaves; of a malformed line, its hash.
        Raises OSError.
        """
        with open_log_file(self.file) as content:
            try:
                line = content.readline(MAX_LINE)
            except DAMAGED:
                return "damaged"
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            return None
        try:
            first = decode_record(line)
            return f"{first['execution_id']} {first['timestamp']}"
        except (ValueError, RecursionError, KeyError):
            return hashlib.sha256(line).hexdigest()

    def unread(self, offset: int) -> int:
        """Bytes of content after `offset`, a torn last line included; negative when the file
        is shorter than that, as far as gzip lets one know. Raises OSError.
        """
        if not self.file.compressed:
            with suppress(FileNotFoundError):  # compressed since it was listed
                return self.file.path.stat().st_size - offset
        return (content_size(self.file) - offset) % SIZE_MODULUS

    def has_lines_after(self, offset: int) -> bool:
        """Whether a whole line begins at `offset` or later. Raises OSError."""
        if self.unread(offset) <= 0:
            return False
        found = self.read(offset).lines > 0
        self.close()
        return found

    def read(self, offset: int, stop: int | None = None) -> Piece:
        """The next lines from `offset`, bounded, and none that begins at `stop` or later.

        Raises OSError.
        """
        if self._compressed is not None and self._at == offset:
            return self._take(self._compressed, offset, stop)
        self.close()
        content = open_log_file(self.file)
        if isinstance(content, gzip.GzipFile):
            self._compressed = content
            return self._take(content, offset, stop)
        with content:
            return self._take(content, offset, stop)

    def close(self) -> None:
        if self._compressed is not None:
            self._compressed.close()
            self._compressed = None

    def _take(self, content: LogContent, offset: int, stop: int | None) -> Piece:
        records: list[Record] = []
        malformed = 0
        end = offset
        try:
            if content.tell() != offset:
                content.seek(offset)
            while len(records) + malformed < MAX_LINES and end - offset < MAX_BYTES:
                if stop is not None and end >= stop:
                    break
                line = content.readline(MAX_LINE)
                if not line.endswith(b"\n") and len(line) < MAX_LINE:
                    break
                end += len(line)
                try:
                    records.append(decode_record(line))
                except (ValueError, RecursionError):
                    malformed += 1
        except DAMAGED as error:
            # What can be read of it has been read, and it will not get better.
            logger.error("%s is damaged: %s", self.file.path, error)
            end, malformed = self._end_of_damaged(end), malformed + 1
        self._at = end
        return Piece(records, malformed, end)

    def _end_of_damaged(self, end: int) -> int:
        return end + (content_size(self.file) - end) % SIZE_MODULUS


def looks(file: LogFile) -> tuple[int, int, int, int]:
    """What a file looks like now; an inode alone may be used again at once. Raises OSError."""
    there = os.stat(file.path)  # noqa: PTH116 - a named tuple is all that is wanted
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns
