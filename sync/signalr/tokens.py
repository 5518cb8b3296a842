"""Connection tokens that say by themselves what was negotiated, so that any process which has the
secret can take up a connection that another one negotiated. They let nobody in: a key does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from typing import Any

#: How long a transport may take to come, over clocks of several machines.
SECONDS_GOOD = 60
ID_BYTES, MAC_BYTES = 16, 16
UNTIL = struct.Struct(">Q")


class ConnectionTokens:
    """Makes and reads tokens with one secret."""

    def __init__(self, secret: bytes | None = None) -> None:
        """Without a secret, one of this process's own."""
        self._secret = secret or secrets.token_bytes(32)

    def make(self, identity: Any) -> tuple[str, str]:
        """A new connection's id, which others may see, and its token, which they may not.

        `identity` is whoever negotiates; equal ones must have equal representations.
        """
        raw = secrets.token_bytes(ID_BYTES)
        told = raw + UNTIL.pack(int(time.time()) + SECONDS_GOOD)
        return _text(raw), _text(told + self._mac(told, identity))

    def read(self, token: str, identity: Any) -> str | None:
        """The id of a connection that `identity` negotiated lately; None for anything else."""
        try:
            given = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        told, mac = given[:-MAC_BYTES], given[-MAC_BYTES:]
        if len(told) != ID_BYTES + UNTIL.size:
            return None
        if not hmac.compare_digest(mac, self._mac(told, identity)):
            return None
        (until,) = UNTIL.unpack(told[ID_BYTES:])
        return _text(told[:ID_BYTES]) if time.time() <= until else None

    def _mac(self, told: bytes, identity: Any) -> bytes:
        signed = told + repr(identity).encode()
        return hmac.digest(self._secret, signed, hashlib.sha256)[:MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
