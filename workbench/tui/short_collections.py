"""Keeps the garbage collector from holding up keys: what lived through a long look is looked at
no more. For a process that is the app alone, as it counts for the whole process."""

from __future__ import annotations

import gc
import time
from typing import Any

# A full look at what the app's libraries hold takes some 100 ms, and came at every 15th key.
LONG_SECONDS = 0.01


class _Watch:
    """Called by the collector before and after each of its looks."""

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif time.perf_counter() - self._began > LONG_SECONDS:
            # Only what is in a cycle and outlives this is kept for ever; the rest is still freed.
            gc.freeze()


def keep_collections_short() -> None:
    """From now on, until the process ends."""
    gc.freeze()
    gc.callbacks.append(_Watch())
