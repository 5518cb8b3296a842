"""Which callers get the candidate: a hash of the routing key, so every process agrees unasked.

Pure; it knows of no request and no file.
"""

from __future__ import annotations

from hashlib import blake2b

#: How many different points a key may fall on.
POINTS = 1 << 64


def point(rollout_id: bytes, key: bytes) -> int:
    """Where `key` falls in this rollout, 0 to 2^64 - 1, each as likely.

    BLAKE2b of the key with 8 bytes of digest, read as a big-endian number; the rollout's id (its
    first 64 bytes) is the hash's own key, so that successive rollouts meet different callers first.
    """
    return int.from_bytes(blake2b(key, digest_size=8, key=rollout_id[:64]).digest(), "big")


def gets_candidate(rollout_id: bytes, key: bytes, percent: int) -> bool:
    """Whether `key` is among the `percent` (0 to 100) of keys that get the candidate.

    Monotone: a key that is among 10 % is among 50 % of the same rollout too.
    """
    return point(rollout_id, key) * 100 < percent * POINTS
