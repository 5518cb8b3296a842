"""What is left of an erased line: that something happened and how it ended, in as many bytes.

The same length keeps every reader's place, in a file that is being written as in one that is
compressed, so erasure needs no writer to stop.
"""

from __future__ import annotations

from typing import Any

import msgspec

from runtime.datasets.reader import decode_record

#: Nothing of what was said: no input, output, error, confidence or oracle's output.
KEPT = (
    *("v", "execution_id", "task_id", "program_version", "status", "latency_ms", "timestamp"),
    *("id", "program_id", "strategy", "inclusion_probability", "oracle", "match"),
    *("similarity_score", "comparison_method", "oracle_cost", "oracle_latency_ms"),
    *("executed_at", "validated_at"),
)
LEAST = ("v", "execution_id", "timestamp", "status", "program_version", "match")


def tombstone(line: bytes) -> bytes:
    """An erased line of exactly the length of `line`, which must be a sound one."""
    record = decode_record(line)
    for names in (KEPT, LEAST, LEAST[:3], LEAST[2:3]):
        kept: dict[str, Any] = {name: record[name] for name in names if name in record}
        text = msgspec.json.encode({**kept, "erased": True})
        if len(text) <= len(line):
            # Spaces after a JSON value mean nothing.
            return text.ljust(len(line))
    return b" " * len(line)
