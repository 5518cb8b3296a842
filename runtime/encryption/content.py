"""Reads an encrypted log file as if it were a plain one, at the same offsets. It never writes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from types import TracebackType

from runtime.encryption.lines import MARK, LineSeal, NotSealedError

BLOCK = 65_536


class SealedLines:
    """The content of a file of sealed lines. Places in it must be beginnings of lines.

    A line that cannot be opened is handed out as it stands, in a form that is no JSON, so that
    it is counted and reported as every malformed line is.
    """

    def __init__(self, file: io.BufferedReader, seal: LineSeal) -> None:
        self._file = file
        self._seal = seal
        self._at = file.tell()

    def readline(self, limit: int = -1) -> bytes:
        """The next line, with its end if it has one; at most `limit` bytes."""
        start = self._at
        line = self._file.readline(limit)
        self._at += len(line)
        return self._opened(line[:-1], start) + b"\n" if line.endswith(b"\n") else line

    def read(self, least: int = 1 << 20, /) -> bytes:
        """The next whole lines, `least` bytes or some more; what is left at the end."""
        lines, size = [], 0
        while size < least and (line := self.readline()):
            lines.append(line)
            size += len(line)
        return b"".join(lines)

    def opened(self, lines: Sequence[bytes], end: int) -> list[bytes]:
        """Lines, without their ends, that were read from the file and stop at `end`."""
        start = end - sum(len(line) + 1 for line in lines)
        found = []
        for line in lines:
            found.append(self._opened(line, start))
            start += len(line) + 1
        return found

    def pread(self, length: int, offset: int) -> bytes:
        """At most `length` bytes from any place, as `os.pread`; it moves nothing."""
        handle, start = self._file.fileno(), offset
        while start > 0:  # the line that it begins in has to be opened as a whole
            before = max(0, start - BLOCK)
            found = os.pread(handle, start - before, before).rfind(b"\n")
            start = before if found < 0 else before + found + 1
            if found >= 0:
                break
        data = os.pread(handle, offset - start + length, start)
        while data and not data.endswith(b"\n"):
            more = os.pread(handle, BLOCK, start + len(data))
            if not more:
                break
            data += more[: more.find(b"\n") + 1 or BLOCK]
        whole = data.rfind(b"\n") + 1
        lines = self.opened(data[:whole].split(b"\n")[:-1], start + whole)
        content = b"".join(line + b"\n" for line in lines) + data[whole:]
        return content[offset - start :][:length]

    def seek(self, offset: int) -> int:
        self._at = self._file.seek(offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __enter__(self) -> SealedLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self, line: bytes, start: int) -> bytes:
        try:
            return self._seal.open(line, start)
        except NotSealedError:
            return MARK + line[1:]  # no JSON, even where somebody has put some there
