"""How a webhook's message is signed and checked. Pure.

    X-Loopai-Timestamp: 1795000000            seconds since 1970, when it was sent
    X-Loopai-Delivery: 0192…                  the same on every retry of one message
    X-Loopai-Signature: v1=<hex>              HMAC-SHA256(secret, timestamp + "." + body)

A receiver computes the same over the raw body, compares in constant time, and refuses a
timestamp more than five minutes off, so that nobody can send an old message again.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

TIMESTAMP = "X-Loopai-Timestamp"
DELIVERY = "X-Loopai-Delivery"
SIGNATURE = "X-Loopai-Signature"
TOLERANCE_SECONDS = 300


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature's header."""
    message = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), message, sha256).hexdigest()


def is_signed(secret: str, timestamp: str, body: bytes, signature: str, now: float) -> bool:
    """Whether a message is what the holder of `secret` sent within the last five minutes."""
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(sign(secret, int(timestamp), body), signature)
