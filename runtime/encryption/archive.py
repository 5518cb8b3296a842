"""A compressed log file, encrypted: gzip cut into chunks, each sealed, in order, and complete.

    8 bytes   what it is, with the format's version
    6         the key's id
    16        random, of this file: its key is made with it
    chunks    of 64 KiB and a tag each; the nonce is the chunk's number and whether it is the last
    4         the size of the content as gzip has it at its end (RFC 1952), in the clear

So no chunk can be cut, swapped, replayed or left out at the end (STREAM, Hoang and others 2015).
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runtime.encryption.keys import ID_BYTES, Key, key_of, keyring_of
from runtime.encryption.lines import TAG, name_of, root_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"LOOPAIE1"
SALT = 16
HEADER = len(MAGIC) + ID_BYTES + SALT
CHUNK = 1 << 16
TRAILER = 4
LEVEL = 6


def open_compressed(path: Path) -> gzip.GzipFile:
    """The content of a `.gz` file, encrypted or not. Raises OSError, SealError among them."""
    file = path.open("rb")
    try:
        header = file.read(HEADER)
        file.seek(0)
        if not header.startswith(MAGIC):
            content = gzip.GzipFile(fileobj=file, mode="rb")
            content.myfileobj = file  # type: ignore[assignment]  # closed with it
            return content
        source = io.BufferedReader(_Archive(file, path, header), CHUNK)
    except BaseException:
        file.close()
        raise
    content = gzip.GzipFile(fileobj=source, mode="rb")
    content.myfileobj = source  # type: ignore[assignment]
    return content


@contextmanager
def compressing(target: BinaryIO, path: Path) -> Iterator[gzip.GzipFile]:
    """What is written in the block is compressed into `target`, which is to become `path`, and
    encrypted where a key is configured. Raises SealError."""
    key = keyring_of(root_of(path)).current
    if key is None:
        with gzip.GzipFile("", "wb", LEVEL, target, mtime=0) as packed:
            yield packed
        return
    sealed = _Sealing(target, path, key)
    with gzip.GzipFile("", "wb", LEVEL, sealed, mtime=0) as packed:
        yield packed
    sealed.finish()


def key_id_of_archive(path: Path) -> bytes | None:
    """The id of the key that a `.gz` file is encrypted with; None for a plain one."""
    with path.open("rb") as file:
        header = file.read(HEADER)
    return header[len(MAGIC) :][:ID_BYTES] if header.startswith(MAGIC) else None


def _cipher(key: Key, path: Path, salt: bytes) -> AESGCM:
    return key.cipher(f"archive {salt.hex()} of {name_of(path)}")


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


class _Sealing(io.RawIOBase):
    def __init__(self, target: BinaryIO, path: Path, key: Key) -> None:
        salt = os.urandom(SALT)
        self._cipher = _cipher(key, path, salt)
        self._target = target
        self._number = 0
        self._waiting = bytearray()
        target.write(MAGIC + key.id + salt)

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last one is told apart, so one is kept back
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        size = bytes(self._waiting[-TRAILER:])
        self._seal(bytes(self._waiting), last=True)
        self._target.write(size)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


class _Archive(io.RawIOBase):
    def __init__(self, file: BinaryIO, path: Path, header: bytes) -> None:
        if len(header) < HEADER:
            raise gzip.BadGzipFile("it is cut off in its header")
        identity, salt = header[len(MAGIC) : -SALT], header[-SALT:]
        self._cipher = _cipher(key_of(root_of(path), identity, path), path, salt)
        self._file = file
        self._path = path
        self._end = os.fstat(file.fileno()).st_size - TRAILER
        self._chunk, self._number = b"", -1
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        number, begin = divmod(self._at, CHUNK)
        if number != self._number:
            self._chunk, self._number = self._open(number), number
        with memoryview(buffer).cast("B") as room:
            piece = self._chunk[begin : begin + len(room)]
            room[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _open(self, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        start = HEADER + number * (CHUNK + TAG)
        if start >= self._end and number > 0:
            return b""
        self._file.seek(start)
        sealed = self._file.read(max(0, min(CHUNK + TAG, self._end - start)))
        last = start + len(sealed) == self._end
        try:
            return self._cipher.decrypt(_nonce(number, last=last), sealed, None)
        except (InvalidTag, ValueError):
            raise gzip.BadGzipFile(f"chunk {number} was changed, moved or cut off") from None
