"""What several tests need: log lines, waiting for something to become true, a free deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def wait_until(question: Callable[[], T], seconds: float = 10.0) -> T:
    """Ask until the answer is truthy and return it; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        time.sleep(0.01)


def log_line(
    number: int = 0, timestamp: str = "2026-11-22T10:00:00.000000Z", **fields: Any
) -> bytes:
    """One execution as the log holds it, without its line end."""
    line = {
        "v": 1,
        "execution_id": f"00000000-0000-7000-8000-{number:012d}",
        "task_id": "0b0f3c54-4b4c-5f0e-a52f-5f0f4cc11111",
        "program_version": 1,
        "input": {"text": f"text {number}"},
        "output": "ham",
        "status": "success",
        "latency_ms": 0.25,
        "timestamp": timestamp,
    }
    return json.dumps({**line, **fields}, separators=(",", ":")).encode()
