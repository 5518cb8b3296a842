"""A run of cells that can be stopped at any moment, from another thread or a signal handler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InterruptedRunError(Exception):
    """The person has stopped the run."""


class Interruption:
    """Asked for once; whoever works looks here, or has said how its work is stopped."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Stop what is running, and let nothing else begin."""
        with self._lock:
            self._asked.set()
            if self._stop is not None:
                self._stop()

    def check(self) -> None:
        """Raise InterruptedRunError once it was asked for."""
        if self.asked:
            raise InterruptedRunError

    @contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """Within, `stop` is called (from any thread) when the run is interrupted."""
        with self._lock:
            self.check()
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None
