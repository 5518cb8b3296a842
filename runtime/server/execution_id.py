"""Execution ids: UUID version 7 (RFC 9562), in the order of time, many from one system call."""

from __future__ import annotations

import os
import time

LOW_BITS = 48


def new_execution_ids(count: int) -> list[bytes]:
    """`count` new ids as ASCII bytes, in ascending order: those of one call count up from a
    random number (RFC 9562, 6.2, method 2), so that they are unique in and among calls."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    low = random & (1 << LOW_BITS) - 1
    # So that counting up never overflows.
    low = min(low, (1 << LOW_BITS) - count)
    high = random >> LOW_BITS
    head = b"%08x-%04x-7%03x-%04x-" % (
        milliseconds >> 16 & 0xFFFFFFFF,
        milliseconds & 0xFFFF,
        high & 0xFFF,
        0x8000 | high >> 12 & 0x3FFF,
    )
    return [b"%b%012x" % (head, number) for number in range(low, low + count)]
