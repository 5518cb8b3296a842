"""One line of a log, sealed: `~1`, then in base64 the key's id, a nonce, and what AES-GCM makes.

Bound to its file's name (by the file's own key) and to where it begins in it (as associated data),
so a line that was moved, copied, swapped or cut out from before others cannot be opened. A sealed
line is one line, so a torn one is told as in a plain log, and its length follows from the plain
one's: opened, it is filled up with spaces, which mean nothing after JSON, and offsets hold.
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from pathlib import Path

from runtime.encryption.keys import ID_BYTES, Key, key_of

MARK = b"~"
PREFIX = b"~1"
NONCE, TAG = 12, 16
#: Of a sealed line, up to its nonce: what names the key.
HEAD = len(PREFIX) + ID_BYTES // 3 * 4


class NotSealedError(ValueError):
    """It is no sealed line of this key at this place."""


class LineSeal:
    """Seals and opens the lines of one file under one key."""

    def __init__(self, key: Key, file: Path) -> None:
        self._cipher = key.cipher(f"lines of {name_of(file)}")
        self.head = head_of(key)

    def seal(self, lines: Sequence[bytes], offset: int) -> list[bytes]:
        """Lines that are to be written one after the other from `offset` on."""
        sealed = []
        nonces = os.urandom(NONCE * len(lines))
        for number, line in enumerate(lines):
            nonce = nonces[number * NONCE : (number + 1) * NONCE]
            hidden = self._cipher.encrypt(nonce, line, b"%d" % offset)
            sealed.append(self.head + b2a_base64(nonce + hidden, newline=False))
            offset += len(sealed[-1]) + 1
        return sealed

    def open(self, line: bytes, offset: int) -> bytes:
        """The line, as long as it was sealed. Raises NotSealedError."""
        from cryptography.exceptions import InvalidTag

        if not line.startswith(self.head):
            raise NotSealedError("it is not encrypted with the key of this file")
        try:
            packed = a2b_base64(line[HEAD:], strict_mode=True)
            opened = self._cipher.decrypt(packed[:NONCE], packed[NONCE:], b"%d" % offset)
        except (Base64Error, InvalidTag, ValueError):
            raise NotSealedError("it was changed or moved after it was written") from None
        return opened.ljust(len(line))


def room_in(sealed_length: int) -> int:
    """The length of the longest plain line that is sealed to so many bytes."""
    return (sealed_length - HEAD) // 4 * 3 - NONCE - TAG


def head_of(key: Key) -> bytes:
    """What each line sealed with a key begins with."""
    return PREFIX + b2a_base64(key.id, newline=False)


def seal_of_file(file: Path, begins: bytes) -> LineSeal | None:
    """What opens the lines of a file that begins so; None for a plain file. Raises SealError."""
    if not begins.startswith(MARK):
        return None
    try:
        identity = a2b_base64(begins[len(PREFIX) : HEAD])
    except Base64Error:
        identity = b""
    return LineSeal(key_of(root_of(file), identity, file), file)


def root_of(file: Path) -> Path:
    """The data directory that a log file (`datasets/TASK/KIND/NAME`) lies in."""
    return file.absolute().parents[3] if len(file.absolute().parents) > 3 else file.parent


def name_of(file: Path) -> str:
    """What a file is bound to: its task, kind and name, which compression does not change."""
    return "/".join(file.absolute().parts[-3:]).removesuffix(".gz")
