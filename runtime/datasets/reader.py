"""Reads a log: all files of some days, plain and compressed, of every writer, in time order.

A torn last line is left for later, a malformed line is counted and reported, and neither ends
the reading; a key that is missing does (SealError, an OSError). It never writes.
"""

from __future__ import annotations

import gzip
import heapq
import io
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from runtime.datasets.log_files import COMPRESSED, LogFile, list_log_files
from runtime.encryption.archive import open_compressed
from runtime.encryption.content import SealedLines
from runtime.encryption.keys import SealError
from runtime.encryption.lines import HEAD, seal_of_file
from runtime.errors import Problem
from runtime.models import FORMAT_VERSION

MAX_LINE = 64_000_000
MAX_PROBLEMS = 20


class Stamp(msgspec.Struct):
    """What every line has. `timestamp` is RFC 3339 in UTC, so its text sorts by time."""

    timestamp: str
    v: int = FORMAT_VERSION


T = TypeVar("T")
S = TypeVar("S", bound=Stamp)
Record = dict[str, Any]
LogContent = io.BufferedReader | SealedLines | gzip.GzipFile


class LogReader:
    """One log folder, read from its beginning as often as asked."""

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        self.folder = folder
        self.prefix = prefix
        #: Lines that were no execution, over all reading done so far.
        self.malformed = 0
        #: Where the first few of them stand and what is wrong with each.
        self.problems: list[Problem] = []

    def days(self) -> list[date]:
        """The days that have a file, oldest first."""
        return sorted({file.day for file in list_log_files(self.folder, prefix=self.prefix)})

    def lines(self, first: date | None = None, last: date | None = None) -> Iterator[bytes]:
        """The lines of the days `first` to `last`, both included, without their line ends."""
        merged = self._merged(_decoder(Stamp), attrgetter("timestamp"), first, last)
        return (line.rstrip(b" ") for line, _ in merged)

    def records(self, first: date | None = None, last: date | None = None) -> Iterator[Record]:
        """The same lines as decoded JSON objects."""
        merged = self._merged(decode_record, itemgetter("timestamp"), first, last)
        return (record for _, record in merged)

    def read(
        self, shape: type[S], first: date | None = None, last: date | None = None
    ) -> Iterator[S]:
        """The same lines as `shape`, which names only the fields that are wanted."""
        merged = self._merged(_decoder(shape), attrgetter("timestamp"), first, last)
        return (value for _, value in merged)

    def _merged(
        self,
        decode: Callable[[bytes], T],
        moment: Callable[[T], str],
        first: date | None,
        last: date | None,
    ) -> Iterator[tuple[bytes, T]]:
        files = list_log_files(self.folder, first, last, self.prefix)
        for _, writers in groupby(files, key=attrgetter("day")):
            streams = [self._decoded(file, decode) for file in writers]
            if len(streams) == 1:
                yield from streams[0]
            else:
                yield from heapq.merge(*streams, key=lambda pair: moment(pair[1]))

    def _decoded(self, file: LogFile, decode: Callable[[bytes], T]) -> Iterator[tuple[bytes, T]]:
        for number, line in enumerate(self._whole_lines(file), start=1):
            try:
                yield line, decode(line)
            except (ValueError, RecursionError) as error:
                self._report(file.path, number, str(error))

    def _whole_lines(self, file: LogFile) -> Iterator[bytes]:
        try:
            with open_log_file(file) as content:
                yield from _split(content)
        except SealError:  # nothing is wrong with the file: figures without it would be
            raise
        except (OSError, EOFError, zlib.error) as error:
            self._report(file.path, None, f"cannot be read to its end: {error}")

    def _report(self, path: Path, number: int | None, reason: str) -> None:
        self.malformed += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(f"is no line of this log: {reason}.", path, number))


def decode_record(line: bytes) -> Record:
    """One line as a JSON object. Raises ValueError (or RecursionError) when it is none."""
    record = _decode_json(line)
    if not isinstance(record, dict) or not isinstance(record.get("timestamp"), str):
        raise ValueError("it is not an object with a timestamp")
    _check_version(record.get("v", FORMAT_VERSION))
    return record


def open_log_file(file: LogFile) -> LogContent:
    """Open a log file's content, decompressed and decrypted. Raises OSError."""
    if file.compressed:
        return open_compressed(file.path)
    try:
        content = file.path.open("rb")
    except FileNotFoundError:  # compressed since it was listed
        return open_compressed(file.path.with_name(file.path.name + COMPRESSED))
    try:
        seal = seal_of_file(file.path, content.peek(HEAD)[:HEAD])
    except BaseException:
        content.close()
        raise
    return content if seal is None else SealedLines(content, seal)


_decode_json = msgspec.json.Decoder().decode


def _decoder(shape: type[S]) -> Callable[[bytes], S]:
    decode = msgspec.json.Decoder(shape).decode

    def checked(line: bytes) -> S:
        value = decode(line)
        if value.v != FORMAT_VERSION:
            _check_version(value.v)
        return value

    return checked


def _check_version(version: Any) -> None:
    if version != FORMAT_VERSION:
        raise ValueError(f"it has format version {version!r}, this release reads 1")


def _split(content: LogContent) -> Iterator[bytes]:
    """Whole lines without their ends; what follows the last line end waits."""
    while line := content.readline(MAX_LINE):
        if not line.endswith(b"\n"):
            if len(line) < MAX_LINE:
                return
            # Longer than any line of ours: skip to its end, report it as one bad line.
            while (rest := content.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            if not rest:
                return
            line = b"\n"
        yield line[:-1]
