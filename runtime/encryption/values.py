"""Single values sealed: in a column of the state database, or as a whole small file.

Where no key is configured they stay as they are, and what is plain is read as it is.
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.data_dir import write_atomic
from runtime.encryption.keys import Key, SealError, key_of, keyring_of
from runtime.encryption.lines import HEAD, MARK, NONCE, PREFIX, head_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = 9
MOST_CIPHERS = 1000


class Values:
    """Seals and opens the values of one data directory. `place` is such as `samples.input`: a
    value cannot be opened as that of another place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Each process that seals has keys of its own, so that nonces may be random.
        self._salt = os.urandom(SALT)
        self._looked = False
        self._ciphers: dict[tuple[bytes, bytes, str], AESGCM] = {}

    def seal(self, value: str, place: str) -> str:
        """Raises SealError where the key that is configured cannot be had."""
        return self.seal_bytes(value.encode(), place).decode()

    def open(self, value: str, place: str) -> str:
        """Raises SealError for a value of a key that is not configured, or that was changed."""
        return self.open_bytes(value.encode(), place).decode() if value[:1] == "~" else value

    def seal_bytes(self, value: bytes, place: str) -> bytes:
        key = keyring_of(self._root, look=not self._looked).current
        self._looked = True
        if key is None:
            return value
        nonce = os.urandom(NONCE)
        hidden = self._cipher(key, self._salt, place).encrypt(nonce, value, None)
        return head_of(key) + b2a_base64(self._salt + nonce + hidden, newline=False)

    def open_bytes(self, value: bytes, place: str) -> bytes:
        if not value.startswith(MARK):
            return value
        from cryptography.exceptions import InvalidTag

        try:
            key = key_of(self._root, a2b_base64(value[len(PREFIX) : HEAD]), place)
            packed = a2b_base64(value[HEAD:], strict_mode=True)
            salt, nonce, hidden = packed[:SALT], packed[SALT:][:NONCE], packed[SALT + NONCE :]
            return self._cipher(key, salt, place).decrypt(nonce, hidden, None)
        except (Base64Error, InvalidTag, ValueError):
            raise SealError("it was changed after it was encrypted", place) from None

    def is_current(self, value: bytes | str) -> bool:
        """Whether a value is as it would be written now: plain, or sealed with the current key."""
        begins = (value.encode() if isinstance(value, str) else value)[:HEAD]
        key = keyring_of(self._root).current
        return begins == head_of(key) if key is not None else not begins.startswith(MARK)

    def _cipher(self, key: Key, salt: bytes, place: str) -> AESGCM:
        known = (key.id, salt, place)
        if known not in self._ciphers:
            if len(self._ciphers) >= MOST_CIPHERS:
                self._ciphers.clear()
            self._ciphers[known] = key.cipher(f"value {salt.hex()} of {place}")
        return self._ciphers[known]


def write_document(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file below `datasets/TASK/KIND/` whole, sealed where a key is configured."""
    sealed = Values(_root(path)).seal_bytes(content, _place(path))
    write_atomic(path, sealed, durable=durable)


def read_document(path: Path) -> bytes:
    """What `write_document` wrote. Raises OSError, SealError among them."""
    return Values(_root(path)).open_bytes(path.read_bytes(), _place(path))


def _root(path: Path) -> Path:
    return path.absolute().parents[3]


def _place(path: Path) -> str:
    return "/".join(path.absolute().parts[-3:])
