"""Execution ids: UUID version 7 (RFC 9562), in the order of time, many from one system call."""

from __future__ import annotations

import os
import time


def new_execution_ids(count: int) -> list[bytes]:
    """`count` new ids as ASCII bytes; those of one millisecond are in no order."""
    milliseconds = time.time_ns() // 1_000_000
    head = b"%08x-%04x-7" % (milliseconds >> 16 & 0xFFFFFFFF, milliseconds & 0xFFFF)
    random = os.urandom(10 * count).hex().encode()
    ids = []
    for start in range(0, 20 * count, 20):
        # The variant, binary 10, takes the upper two bits of this digit.
        variant = b"89ab"[random[start + 3] & 3 : (random[start + 3] & 3) + 1]
        ids.append(
            b"%b%b-%b%b-%b"
            % (
                head,
                random[start : start + 3],
                variant,
                random[start + 4 : start + 7],
                random[start + 8 : start + 20],
            )
        )
    return ids
