"""What a person sees while a model is asked: the budget, the question's kind, the words as they
come. In a log, one line a call."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from workbench.console import progress as console
from workbench.synthesis.by_model.calls import Budget, Spent

LINES = 6
REFRESH = 12


class ModelProgress:
    """Progress of a synthesis with a model; also its watcher."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = time.monotonic()
        self._status = Text("starting")
        self._spinner = Spinner("dots", self._status)
        self._asked = Text("", style="cyan")
        self._heard = ""
        self._live = (
            Live(console=console, refresh_per_second=REFRESH, transient=True)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> ModelProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.update(Text(""))
            self._live.stop()

    def say(self, who: str, what: str) -> None:
        """Report one step."""
        line = f"{time.monotonic() - self._started:6.1f} s  {who}: {what}"
        if self._live:
            self._status = Text(line, no_wrap=True, overflow="ellipsis")
            self._spinner.update(text=self._status)
            self._heard = ""
            self._asked = Text("")
            self._show()
        else:
            console.print(line, markup=False, soft_wrap=True)

    def asks(self, stage: str, spent: Spent, budget: Budget) -> None:
        """A question goes to the model."""
        parts = (
            f"call {spent.calls + 1} of {budget.calls:g}",
            f"{spent.tokens:,} of {budget.tokens:,.0f} tokens",
            f"{spent.seconds:.0f} of {budget.seconds:g} s",
        )
        if self._live:
            self._heard = ""
            self._asked = Text(f"{self._model}, {stage}: {', '.join(parts)}", style="cyan")
            self._show()
        else:
            self.say(self._model, f"{stage}, {', '.join(parts)}")

    def hears(self, text: str) -> None:
        """A piece of the answer."""
        if self._live:
            self._heard += text
            self._show()

    def _show(self) -> None:
        assert self._live is not None
        width = max(20, console.width - 4)
        lines = [line[:width] for line in self._heard.splitlines()[-LINES:]]
        words = Text("".join(f"  {line}\n" for line in lines), style="dim", no_wrap=True)
        self._live.update(Group(self._spinner, self._asked, words))
