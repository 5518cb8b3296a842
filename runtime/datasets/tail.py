"""Follows a log from a position that can be kept and resumed, and finds its newest lines.

A position is plain JSON: the logical name of each file and the byte offset reached in it,
counted uncompressed, so it survives compression. Lines are handed out once and in file order.
"""

from __future__ import annotations

import gzip
import logging
import os
import threading
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from runtime.datasets.log_files import SIZE_MODULUS, LogFile, content_size, list_log_files
from runtime.datasets.owned_file import end_of_last_line
from runtime.datasets.reader import MAX_LINE, decode_record, open_log_file
from runtime.encryption.content import SealedLines

SECONDS_BETWEEN_LOOKS = 0.2
BLOCK = 65_536

Position = dict[str, int]

logger = logging.getLogger("loopai.log")


class LogTail:
    """A reader that remembers how far it got. It does not judge lines; decode them yourself."""

    def __init__(
        self, folder: Path, position: Mapping[str, int] | None = None, *, prefix: str = ""
    ) -> None:
        self.folder = folder
        self.prefix = prefix
        #: How far the lines handed out so far reach. Keep it only after acting on them.
        self.position: Position = dict(position or {})

    def take_last(self, count: int) -> list[bytes]:
        """Take everything there is as read; returns the newest `count` lines in time order.

        Raises OSError.
        """
        files = list_log_files(self.folder, prefix=self.prefix)
        newest: list[bytes] = []
        for _, writers in groupby(reversed(files), key=attrgetter("day")):
            of_day: list[bytes] = []
            for file in writers:
                lines, self.position[file.name] = _last_lines(file, max(0, count - len(newest)))
                of_day += lines
            newest = sorted(of_day, key=_moment) + newest
        return newest[max(0, len(newest) - count) :]

    def read(self, max_lines: int = 1000) -> list[bytes]:
        """The next whole lines without their ends; empty when there are none yet.

        A file that is gone is dropped from the position. Raises OSError.
        """
        files = list_log_files(self.folder, prefix=self.prefix)
        names = {file.name for file in files}
        self.position = {name: at for name, at in self.position.items() if name in names}
        lines: list[bytes] = []
        for file in files:
            at = self.position.get(file.name, 0)
            if content_size(file) == at % SIZE_MODULUS:
                continue
            found, self.position[file.name] = _read_from(file, at, max_lines - len(lines))
            lines += found
            if len(lines) >= max_lines:
                break
        return lines

    def follow(self, stop: threading.Event | None = None) -> Iterator[bytes]:
        """Lines as they come, until `stop` is set. Raises OSError."""
        stop = stop or threading.Event()
        while not stop.is_set():
            lines = self.read()
            yield from lines
            if not lines:
                stop.wait(SECONDS_BETWEEN_LOOKS)


def _read_from(file: LogFile, start: int, max_lines: int) -> tuple[list[bytes], int]:
    """Up to `max_lines` whole lines from offset `start`, and the offset after them."""
    lines: list[bytes] = []
    with open_log_file(file) as content:
        try:
            content.seek(start)
            while len(lines) < max_lines:
                line = content.readline(MAX_LINE)
                whole = line.endswith(b"\n")
                if not whole and len(line) < MAX_LINE:
                    break
                start += len(line)
                if whole:
                    lines.append(line[:-1].rstrip(b" "))
        except (EOFError, zlib.error) as error:
            # Damaged: what can be read of it has been read, and it will not get better.
            logger.error("%s is damaged: %s", file.path, error)
            start = content_size(file)
    return lines, start


def _last_lines(file: LogFile, count: int) -> tuple[list[bytes], int]:
    """The last `count` whole lines of a file, and the offset after them."""
    with open_log_file(file) as content:
        if isinstance(content, gzip.GzipFile):
            # A compressed file has one end only: read from the front, keep what came last.
            if count == 0:
                return [], content_size(file)
            kept: deque[bytes] = deque(maxlen=count)
            end = 0
            for line in content:
                if line.endswith(b"\n"):
                    end += len(line)
                    kept.append(line[:-1].rstrip(b" "))
            return list(kept), end
        handle = content.fileno()
        end = end_of_last_line(handle, os.fstat(handle).st_size)
        start, found = end, 0
        # The line end before the first wanted line has to be found too, hence <=.
        while count > 0 and start > 0 and found <= count:
            before = max(0, start - BLOCK)
            found += os.pread(handle, start - before, before).count(b"\n")
            start = before
        lines = os.pread(handle, end - start, start).split(b"\n")[:-1]
        lines = lines[max(0, len(lines) - count) :]
        if isinstance(content, SealedLines):
            lines = [line.rstrip(b" ") for line in content.opened(lines, end)]
    return lines, end


def _moment(line: bytes) -> str:
    """The time of a line; a malformed one sorts first."""
    try:
        return str(decode_record(line)["timestamp"])
    except (ValueError, RecursionError):
        return ""
