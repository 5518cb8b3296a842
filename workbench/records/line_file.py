"""A file read at any place, growing or not; a compressed one is unpacked beside on the way.

Nothing is kept in memory. It never writes to the file that was opened.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from runtime.errors import InvalidInputError, NotFoundError, Problem

CHUNK = 1 << 20
Stop = Callable[[], bool]


class LineFile:
    """Bytes at a place, and how many there are by now. Usable from several threads."""

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises NotFoundError or InvalidInputError."""
        self.path = path
        try:
            if not path.is_file():
                raise NotFoundError(Problem("there is no such file.", path))
            self._source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InvalidInputError(Problem(f"cannot be opened: {error.strerror}.", path)) from None
        self._unpacked: int | None = None
        self.compressed = os.pread(self._source, 2, 0) == b"\x1f\x8b"
        if self.compressed:
            # No name, so it is gone with the process, however that ends.
            self._unpacked = os.open(tempfile.gettempdir(), os.O_RDWR | os.O_TMPFILE, 0o600)
        #: Of a compressed file: how much of it was read, from 0 to 1.
        self.unpacked_share = 0.0 if self.compressed else 1.0

    @property
    def size(self) -> int:
        """Bytes of content there are by now."""
        return os.fstat(self._source if self._unpacked is None else self._unpacked).st_size

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer at the end."""
        return os.pread(self._source if self._unpacked is None else self._unpacked, length, offset)

    def unpack(self, stop: Stop) -> None:
        """Unpack a compressed file chunk by chunk until its end, or until `stop()`.

        Raises InvalidInputError where it is damaged; what came before can be read. Raises OSError
        when there is no room for it.
        """
        if self._unpacked is None or self.unpacked_share == 1.0:
            return
        whole = max(1, os.fstat(self._source).st_size)
        with self.path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as content:
            while not stop():
                try:
                    chunk = content.read1(CHUNK)  # what there is, before a damage too
                except (EOFError, zlib.error, OSError) as error:
                    raise InvalidInputError(
                        Problem(f"is damaged from here on: {error}.", self.path)
                    ) from None
                if not chunk:
                    self.unpacked_share = 1.0
                    return
                written = 0
                while written < len(chunk):
                    written += os.write(self._unpacked, chunk[written:])
                self.unpacked_share = min(0.999, packed.tell() / whole)

    def close(self) -> None:
        os.close(self._source)
        if self._unpacked is not None:
            os.close(self._unpacked)
