"""The bytes of a download so far, in a file, so that it goes on where it was cut, in a later
process too. What is kept is never believed: the digest of the whole decides.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from runtime.data_dir import make_folder

#: The longest entity tag that is kept.
MAX_ETAG = 200


class PartialDownload:
    """One file: the entity tag as its first line, then the bytes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.etag, self._content = "", bytearray()
        try:
            head, _, content = file.read_bytes().partition(b"\n")
        except OSError:
            return
        if content and 0 < len(head) <= MAX_ETAG and head.isascii():
            self.etag, self._content = head.decode(), bytearray(content)

    @property
    def size(self) -> int:
        return len(self._content)

    def begin(self, etag: str) -> None:
        """Forget what was there: the whole comes anew. Raises OSError."""
        self.etag, self._content = etag[:MAX_ETAG], bytearray()
        make_folder(self._file.parent)
        self._file.write_bytes(self.etag.encode("ascii", "replace") + b"\n")

    def add(self, piece: bytes) -> None:
        """Raises OSError."""
        self._content += piece
        with self._file.open("ab") as file:
            file.write(piece)

    def whole(self) -> bytes | None:
        """The bytes, when they are what the entity tag says: a strong one is their SHA-256."""
        if self.etag != f'"{hashlib.sha256(self._content).hexdigest()}"':
            return None
        return bytes(self._content)

    def forget(self) -> None:
        """Remove it; harmless when it is not there."""
        self.etag, self._content = "", bytearray()
        self._file.unlink(missing_ok=True)
