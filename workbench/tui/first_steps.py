"""What an empty data directory shows: what Loopai does, and the first things to press."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

OWN = "own"
WELCOME = """\
[bold]A task becomes a small program.[/bold]

You give words and examples. Loopai writes a readable Python program, judges \
it on examples it has not seen, and serves it, with no model and no network.

[$soft]Choose what to start with:[/$soft]
"""
SAMPLES = {
    "spam-detection": "spam or ham, from the text of a message",
    "support-ticket-routing": "the team a ticket belongs to",
    "order-risk": "low, review or block, from numbers and words",
    "language-detection": "the language a text is written in",
    "log-line-extraction": "the parts of a log line as an object",
    "date-normalisation": "dates in many forms to one",
    "phone-normalisation": "telephone numbers to one form",
}


class FirstSteps(Vertical):
    """Shown in place of the table while there are no tasks."""

    class Chosen(Message):
        """A way to start; `sample` is None for one's own data."""

        def __init__(self, sample: str | None) -> None:
            super().__init__()
            self.sample = sample

    class Ways(OptionList):
        HELP = "# First steps\n\nEnter opens a form, filled in for the way that is highlighted."

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as box:
            box.border_title = "Welcome to Loopai"
            yield Static(WELCOME)
            yield self.Ways(
                Option(
                    Content.assemble(
                        ("my own data".ljust(26), "bold"), "a CSV or JSON-lines file, or by hand"
                    ),
                    id=OWN,
                ),
                *(
                    Option(Content.assemble((name.ljust(26), "bold"), text), id=name)
                    for name, text in SAMPLES.items()
                ),
            )

    def focus_list(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(None if event.option_id == OWN else event.option_id))
