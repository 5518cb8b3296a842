"""Run a version on an input of one's own, in the sandbox. Nothing is logged."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Result, Sandbox
from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from runtime.tasks import load_task
from workbench.tui.worker_failures import TellsFailures

LIMITS = Limits(timeout_ms=2000, memory_mb=512)


class TryDialog(TellsFailures, ModalScreen[None]):
    """An input as JSON above, the answer below; the input starts as one of the examples."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("ctrl+r,f9", "run", "Run", priority=True),
        Binding("ctrl+n", "next_example", "Next example", priority=True),
    ]

    def __init__(self, task: TaskSpecification, version: int, data_dir: DataDir) -> None:
        super().__init__()
        self._specification = task
        self._version = version
        self._data_dir = data_dir
        self._examples: list[dict[str, Any]] = []
        self._shown = -1

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = f"Try {self._specification.name} v{self._version}"
            yield Static("The input, as JSON. [$soft]^r runs it.[/$soft]", classes="lead")
            editor = TextArea("{}", tab_behavior="focus", id="try-input")
            editor.cursor_blink = False
            yield editor
            yield Static("", id="try-answer")
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self._load_examples()

    @work(thread=True, exit_on_error=False)
    def _load_examples(self) -> None:
        task = load_task(self._data_dir, self._specification.name)
        self._examples = [example.input for example in task.examples[:50]]
        self.app.call_from_thread(self.action_next_example)

    def action_next_example(self) -> None:
        """Take the next of the task's examples as the input."""
        if self._examples:
            self._shown = (self._shown + 1) % len(self._examples)
            text = json.dumps(self._examples[self._shown], ensure_ascii=False, indent=2)
            self.query_one(TextArea).text = text

    def action_run(self) -> None:
        """Check the input against the schema, and run the program on it."""
        try:
            value = parse_strictly(self.query_one(TextArea).text)
        except ValueError as error:
            self._answer(Content.styled(f"This is not JSON: {error}.", "$error"))
            return
        failures = SchemaCheck(self._specification.input_schema, "input_schema").errors(value)
        if failures:
            lines = "\n".join(f"{each.path or 'input'}: {each.message}" for each in failures)
            self._answer(Content.styled(lines, "$error"))
            return
        self._answer(Content.styled("runs …", "$soft"))
        self._execute(value)

    @work(thread=True, exclusive=True, group="try", exit_on_error=False)
    def _execute(self, value: Any) -> None:
        source = ArtifactStore(self._data_dir).program_source(
            self._specification.name, self._version
        )
        with Sandbox(limits=LIMITS) as sandbox:
            (result,) = sandbox.run(sandbox.load(source), [value])
        self.app.call_from_thread(self._answer, answer(result))

    def _answer(self, content: Content) -> None:
        if self.is_mounted:
            self.query_one("#try-answer", Static).update(Content.assemble("\n", content))


def answer(result: Result) -> Content:
    """What a program said, for a person."""
    if not result.ok:
        return Content.assemble((f"{result.status}: ", "bold $error"), str(result.error or ""))
    sure = "" if result.confidence is None else f"{result.confidence:.0%} sure, "
    return Content.assemble(
        (json.dumps(result.output, ensure_ascii=False, indent=2), "bold $success"),
        (f"\n{sure}{result.latency_ms:.3f} ms in the sandbox", "$soft"),
    )
