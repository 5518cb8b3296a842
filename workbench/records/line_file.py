"""A file read at any place, growing or not; a compressed one is unpacked beside on the way.

Nothing is kept in memory but what is encrypted on the disk. It never writes to the file that was
opened.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime.encryption.archive import MAGIC, open_compressed
from runtime.encryption.content import SealedLines
from runtime.encryption.lines import HEAD, PREFIX, seal_of_file
from runtime.errors import InvalidInputError, NotFoundError, Problem

CHUNK = 1 << 20
#: What a sealed line begins with: the mark, its format, its key.
SEALED = re.compile(rb"~[0-9][A-Za-z0-9+/]{%d}" % (HEAD - len(PREFIX)))
Stop = Callable[[], bool]


class LineFile:
    """Bytes at a place, and how many there are by now. Usable from several threads."""

    def __init__(self, path: Path, source: int | None = None, unpacked: int | None = None) -> None:
        """Open `path`, or take over the descriptors of a process that did.

        Raises NotFoundError or InvalidInputError.
        """
        self.path = path
        try:
            if source is None and not path.is_file():
                raise NotFoundError(Problem("there is no such file.", path))
            self._source = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if source is None else source
        except OSError as error:
            raise InvalidInputError(Problem(f"cannot be opened: {error.strerror}.", path)) from None
        self._unpacked = unpacked
        self._sealed: SealedLines | None = None
        begins = os.pread(self._source, max(HEAD, len(MAGIC)), 0)
        sealed = begins.startswith(MAGIC)
        self.compressed = sealed or begins.startswith(b"\x1f\x8b")
        if unpacked is not None:
            pass
        elif sealed:
            # Of what is encrypted on the disk nothing is written to it.
            self._unpacked = os.memfd_create("log", os.MFD_CLOEXEC)
        elif self.compressed:
            # No name, so it is gone with the process, however that ends.
            self._unpacked = os.open(tempfile.gettempdir(), os.O_RDWR | os.O_TMPFILE, 0o600)
        else:
            self._sealed = self._open_sealed(begins)
        #: For a process that is to read the same file, in the order that it takes them.
        self.descriptors = [fd for fd in (self._source, self._unpacked) if fd is not None]
        #: Of a compressed file: how much of it was read, from 0 to 1.
        self.unpacked_share = 0.0 if self.compressed else 1.0

    @property
    def size(self) -> int:
        """Bytes of content there are by now."""
        return os.fstat(self._source if self._unpacked is None else self._unpacked).st_size

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer at the end."""
        if self._sealed is not None:
            return self._sealed.pread(length, offset)
        return os.pread(self._source if self._unpacked is None else self._unpacked, length, offset)

    def unpack(self, stop: Stop) -> None:
        """Unpack a compressed file chunk by chunk until its end, or until `stop()`.

        Raises InvalidInputError where it is damaged; what came before can be read. Raises OSError
        when there is no room for it.
        """
        if self._unpacked is None or self.unpacked_share == 1.0:
            return
        whole = max(1, os.fstat(self._source).st_size)
        with self._open_compressed() as content:
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
                packed: Any = content.fileobj
                self.unpacked_share = min(0.999, packed.tell() / whole)

    def _open_sealed(self, begins: bytes) -> SealedLines | None:
        if not SEALED.match(begins):
            return None  # a text may begin with the mark
        try:
            seal = seal_of_file(self.path, begins)
            return None if seal is None else SealedLines(self.path.open("rb"), seal)
        except OSError as error:
            os.close(self._source)
            raise InvalidInputError(Problem(f"{error.strerror}.", self.path)) from None

    def _open_compressed(self) -> gzip.GzipFile:
        try:
            return open_compressed(self.path)
        except OSError as error:
            raise InvalidInputError(
                Problem(f"cannot be opened: {error.strerror}.", self.path)
            ) from None

    def close(self) -> None:
        os.close(self._source)
        if self._sealed is not None:
            self._sealed.close()
        if self._unpacked is not None:
            os.close(self._unpacked)
