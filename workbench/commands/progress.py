"""Progress of a synthesis on standard error: a spinner for a person, lines for a log."""

from __future__ import annotations

import time
from types import TracebackType

from rich.status import Status

from workbench.console import progress as console


class Progress:
    """Tells which strategy does what, and since how many seconds."""

    def __init__(self) -> None:
        self._status = Status("starting", console=console) if console.is_terminal else None
        self._started = time.monotonic()

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def say(self, who: str, what: str) -> None:
        """Report one step."""
        seconds = time.monotonic() - self._started
        line = f"{seconds:6.1f} s  {who}: {what}"
        if self._status:
            self._status.update(line.replace("[", "\\["))
        else:
            console.print(line, markup=False, soft_wrap=True)
