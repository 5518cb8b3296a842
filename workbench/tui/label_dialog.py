"""A person as the oracle: sampled executions, one after the other, accepted, corrected or skipped.

The queue is that of `loopai label`; labels may be taken back until the window is closed.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.steward.samples import Sample
from runtime.strict_json import parse_strictly
from runtime.validation.labelling import Labelling


class LabelDialog(ModalScreen[int]):
    """Answers with how many were labelled. The queue is small, so it is read where keys are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Right"),
        Binding("c", "correct", "Correct"),
        Binding("s", "skip", "Skip"),
        Binding("u", "undo", "Undo"),
        Binding("escape", "finish", "Done"),
    ]

    def __init__(self, data_dir: DataDir, task: str) -> None:
        super().__init__()
        self._session = Labelling(data_dir, task)
        self._sample: Sample | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = f"Was it right? {self._session.task.name}"
            with VerticalScroll(id="label-body"):
                yield Static(id="label-text")
            yield Input(placeholder="what the answer should have been", compact=True)
            yield Static("", id="label-problem", classes="bad")
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._next()

    def _next(self, sample: Sample | None = None) -> None:
        """Show the sample that was taken back, or the newest that waits."""
        waiting = [sample] if sample else self._session.waiting(1)
        self._sample = waiting[0] if waiting else None
        self.query_one("#label-problem", Static).update("")
        left = self._session.counts()["waiting"] - self._session.labelled
        done = self._session.labelled
        if self._sample is None:
            text = Content.assemble(
                ("Nothing more waits.\n\n", "bold"),
                f"{done} labelled now. " if done else "",
                "Executions are sampled while the runtime's steward runs.",
            )
        else:
            text = shown(self._sample, left, done)
        self.query_one("#label-text", Static).update(text)

    def action_accept(self) -> None:
        """The program was right."""
        self._label(lambda sample: self._session.accept(sample.execution_id))

    def action_skip(self) -> None:
        """Nobody can tell."""
        self._label(lambda sample: self._session.skip(sample.execution_id))

    def action_undo(self) -> None:
        """Take the last label back."""
        sample = self._session.undo()
        if sample is None:
            self.notify("There is nothing to take back.", severity="warning")
        else:
            self._next(sample)

    def action_correct(self) -> None:
        """Say what the answer should have been."""
        if self._sample is None:
            return
        choices = self._session.task.output_schema.get("enum")
        if isinstance(choices, list):
            from workbench.tui.choice import Choice

            texts = [json.dumps(choice, ensure_ascii=False) for choice in choices]

            def chosen(text: str | None) -> None:
                if text is not None:
                    self._correct(choices[texts.index(text)])

            self.app.push_screen(Choice("What it should have been", texts), chosen)
            return
        field = self.query_one(Input)
        field.display = True
        field.value = json.dumps(self._sample.output, ensure_ascii=False)
        field.focus()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        try:
            value = parse_strictly(event.value)
        except ValueError as error:
            self.query_one("#label-problem", Static).update(Content(f"This is not JSON: {error}."))
            return
        self._correct(value)

    def _correct(self, value: Any) -> None:
        self._label(lambda sample: self._session.correct(sample.execution_id, value))

    def _label(self, label: Any) -> None:
        if self._sample is None:
            return
        try:
            label(self._sample)
        except LoopaiError as error:
            self.query_one("#label-problem", Static).update(Content(str(error.problems[0])))
            return
        field = self.query_one(Input)
        field.display = False
        self.set_focus(None)
        self._next()

    def action_finish(self) -> None:
        """Keep the labels and close."""
        made = self._session.finish()
        self._session.close()
        self.dismiss(made)


def shown(sample: Sample, left: int, done: int) -> Content:
    """One sample for a person."""
    sure = "" if sample.confidence is None else f", {sample.confidence:.0%} sure"
    parts: list[Content | str | tuple[str, str]] = [
        (f"v{sample.program_version}{sure}, {sample.executed_at[:19].replace('T', ' ')}", "$soft"),
        (f"   {left:,} wait, {done:,} labelled\n\n", "$soft"),
    ]
    given = sample.input if isinstance(sample.input, dict) else {"input": sample.input}
    for name, value in given.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts += [(f"{name}\n", "$soft"), text, "\n\n"]
    if sample.status == "success":
        answer = json.dumps(sample.output, ensure_ascii=False, indent=2)
        parts += [("answer\n", "$soft"), (answer, "bold $primary")]
    else:
        reason = json.dumps(sample.error, ensure_ascii=False) if sample.error else ""
        parts += [("no answer\n", "$soft"), (f"{sample.status} {reason}", "bold $error")]
    return Content.assemble(*parts)
