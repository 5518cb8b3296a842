"""The Notebook tab by its keys: writing, running, interrupting, undoing, and a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import TextArea
from workbench_notebooks import EXAMPLES_CELL, TASK_CELL, cell, prepared

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from workbench.notebook.opened import OpenedNotebook
from workbench.notebook.session import beside
from workbench.notebook.starting import notebook_of
from workbench.tui.app import LoopaiApp
from workbench.tui.notebook_cell import CellView
from workbench.tui.notebook_cells import CellColumn
from workbench.tui.notebook_run_line import RunLine
from workbench.tui.notebook_screen import NotebookScreen

TASK = "spam-detection"
SECONDS = 30.0


class Journey:
    """The app on the Notebook tab, driven by keys."""

    def __init__(self, app: LoopaiApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> NotebookScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, NotebookScreen)
        return screen

    @property
    def text(self) -> str:
        assert self.screen.opened is not None
        return self.screen.opened.document.text

    @property
    def views(self) -> list[CellView]:
        return self.screen.query_one(CellColumn).views

    @property
    def current(self) -> str:
        view = self.screen.query_one(CellColumn).current
        return view.block.label or view.block.kind if view else ""

    def outcome(self, label: str) -> str:
        view = next(view for view in self.views if view.block.label == label)
        return view.output.status if view.output else "none"

    def freshness(self, label: str) -> str:
        view = next(view for view in self.views if view.block.label == label)
        return view.state.freshness if view.state else "none"

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def paste(self, text: str) -> None:
        """Write into the open editor at once."""
        await self.until(lambda: isinstance(self.app.focused, TextArea))
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def until(self, question: Callable[[], object]) -> None:
        """Let the app work until the answer is yes."""
        async with asyncio.timeout(SECONDS):
            while not question():
                await self.pilot.pause()
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        await self.until(lambda: not self.screen.query_one(RunLine).running)
        await self.app.workers.wait_for_complete(
            [worker for worker in self.app.workers if worker.group == "states"]
        )
        await self.pilot.pause()

    async def focus(self, label: str) -> None:
        await self.press("g")
        for _ in self.views:
            if self.current == label:
                return
            await self.press("j")
        raise AssertionError(f"no cell {label}")


Play = Callable[[Journey], Awaitable[None]]


def play(data_dir: DataDir, steps: Play, size: tuple[int, int] = (100, 40)) -> None:
    """Open the app on the task's notebook and take the steps."""

    async def main() -> None:
        app = LoopaiApp(data_dir)
        async with app.run_test(size=size) as pilot:
            app.open_task(TASK, "notebook")
            journey = Journey(app, pilot)
            await journey.until(lambda: isinstance(app.screen_stack[0], NotebookScreen))
            await journey.until(lambda: journey.screen.is_mounted)
            await pilot.pause()
            await steps(journey)
            await app.action_quit()

    asyncio.run(main())


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return prepared(tmp_path, versions=2)


def written(data_dir: DataDir, *cells: str) -> Path:
    file = notebook_of(data_dir, TASK)
    file.write_text("# Spam\n\nSome words.\n\n" + "\n".join(cells), encoding="utf-8")
    return file


def test_a_task_without_a_notebook_gets_one_by_a_key(data_dir):
    async def steps(journey: Journey) -> None:
        assert journey.screen.opened is None
        await journey.press("n")
        await journey.until(lambda: journey.views)
        kinds = [view.block.kind for view in journey.views if view.block.is_cell]
        assert kinds == ["task", "examples", "sql", "synthesize", "expect", "promote", "chart"]

    play(data_dir, steps)
    assert notebook_of(data_dir, TASK).is_file()


def test_cells_are_run_and_show_what_they_gave(data_dir):
    written(data_dir, TASK_CELL, EXAMPLES_CELL, cell("try", '{"text": "buy"}'))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 4)
        await journey.focus("try 1")
        await journey.press("r")
        await journey.until(lambda: journey.outcome("try 1") == "ok")
        await journey.settled()
        # What it needs has run too.
        assert [journey.freshness(f"{kind} 1") for kind in ("task", "examples", "try")] == [
            "fresh"
        ] * 3

    play(data_dir, steps)


def test_an_edit_is_saved_and_marks_what_follows_stale_until_it_is_run(data_dir):
    file = written(data_dir, TASK_CELL, EXAMPLES_CELL, cell("try", '{"text": "buy"}'))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 4)
        await journey.press("R")
        await journey.until(lambda: journey.outcome("try 1") == "ok")
        await journey.settled()
        await journey.focus("examples 1")
        await journey.press("enter", "enter")
        await journey.paste('{"input": {"text": "z"}, "output": "ham"}')
        await journey.press("escape")
        await journey.until(lambda: journey.freshness("try 1") == "stale")
        assert journey.freshness("task 1") == "fresh"
        await journey.press("s")
        await journey.until(lambda: journey.freshness("try 1") == "fresh")
        await journey.settled()

    play(data_dir, steps)
    assert '\n{"input": {"text": "z"}, "output": "ham"}\n```\n' in file.read_text()
    assert '"z"' in data_dir.examples_file(TASK).read_text()


def test_cells_are_added_moved_deleted_and_brought_back(data_dir):
    file = written(data_dir, TASK_CELL, cell("sql", "select 1"))
    before = file.read_text()

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 3)
        await journey.focus("task 1")
        await journey.press("a", "y")
        await journey.until(lambda: journey.screen.editing)
        await journey.press("escape")
        await journey.until(lambda: not journey.screen.editing)
        await journey.until(lambda: journey.current == "try 1")
        assert [view.block.kind for view in journey.views] == ["prose", "task", "try", "sql"]
        assert journey.current == "try 1"
        await journey.press("J")
        assert [view.block.kind for view in journey.views] == ["prose", "task", "sql", "try"]
        assert journey.current == "try 1"
        await journey.press("K", "d")
        assert [view.block.kind for view in journey.views] == ["prose", "task", "sql"]
        assert journey.text == before
        await journey.press("u")
        assert [view.block.kind for view in journey.views] == ["prose", "task", "try", "sql"]
        await journey.press("u", "u", "u")
        assert journey.text == before

    play(data_dir, steps)
    assert file.read_text() == before


@pytest.mark.parametrize("opening", ["enter", "add"])
def test_keys_pressed_while_an_editor_opens_are_text_and_no_commands(data_dir, opening):
    written(data_dir, TASK_CELL, cell("sql", "select 1"))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 3)
        await journey.focus("sql 1")
        if opening == "add":
            await journey.press("a")
        key = "enter" if opening == "enter" else "q"
        journey.app.post_message(events.Key(key, None if key == "enter" else key))
        async with asyncio.timeout(SECONDS):
            while not any(view.has_class("-editing") for view in journey.views):
                await asyncio.sleep(0)
        cells = len(journey.views)
        for letter in "dd":  # outside an editor, d deletes
            journey.app.post_message(events.Key(letter, letter))
        await journey.until(
            lambda: "dd" in "".join(v.editor.text for v in journey.views if v.editor)
        )
        assert len(journey.views) == cells

    play(data_dir, steps)


def test_a_run_is_interrupted_by_a_key(data_dir):
    endless = "select count(*) from range(100000000) a, range(100000000) b"
    written(data_dir, cell("sql", endless), cell("sql", "select 1"))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 3)
        await journey.press("R")
        line = journey.screen.query_one(RunLine)
        await journey.until(lambda: "sql 1" in str(line.render()))
        assert "x stops" in str(line.render())
        await journey.press("x")
        await journey.until(lambda: not line.running)
        await journey.settled()
        assert journey.outcome("sql 2") == "none"

    play(data_dir, steps)


def test_a_cell_that_fails_says_so_in_place_and_in_a_notice_with_details(data_dir):
    written(data_dir, TASK_CELL, cell("try", "nonsense"))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 3)
        await journey.press("R")
        await journey.until(lambda: journey.outcome("try 1") == "error")
        await journey.settled()
        assert journey.app.last_notice is not None
        assert "not JSON" in journey.app.last_notice.details
        await journey.focus("try 1")
        await journey.press("y")
        assert "not JSON" in journey.app.clipboard

    play(data_dir, steps)


def test_words_are_edited_too_and_a_fence_written_in_them_becomes_a_cell(data_dir):
    file = written(data_dir, TASK_CELL)

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 2)
        await journey.press("g", "enter")
        await journey.paste("\n```sql\nselect 1\n```\n")
        await journey.press("escape")
        await journey.until(lambda: len(journey.views) == 3)

    play(data_dir, steps)
    assert "Some words.\n```sql\nselect 1\n```\n" in file.read_text()


def test_text_of_an_open_editor_outlives_a_crash(data_dir):
    file = written(data_dir, cell("sql", "select 1"))
    kept = beside(file, "unsaved")

    async def typing(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 2)
        await journey.focus("sql 1")
        await journey.press("enter", *" as a")
        await journey.until(lambda: kept.is_file() and b"select 1 as a" in kept.read_bytes())
        (data_dir.root / "kept").write_bytes(kept.read_bytes())

    play(data_dir, typing)
    # As if the app had been killed while it stood there: the file is as before, the text beside it.
    file.write_text("# Spam\n\nSome words.\n\n" + cell("sql", "select 1"), encoding="utf-8")
    kept.write_bytes((data_dir.root / "kept").read_bytes())

    async def back(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 2)
        assert "select 1 as a" in journey.text
        await journey.press("u")
        assert "select 1\n" in journey.text

    play(data_dir, back)
    assert not OpenedNotebook(file).recovered


def test_what_another_program_writes_is_shown_and_never_lost(data_dir):
    file = written(data_dir, cell("sql", "select 1"))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 2)
        file.write_text("# Written elsewhere\n")
        await journey.until(lambda: journey.text == "# Written elsewhere\n")
        await journey.press("g", "enter", "!")
        file.write_text("# Again\n")
        await journey.press("escape")
        await journey.until(lambda: journey.app.last_notice)
        assert journey.app.last_notice is not None
        assert "changed by another program" in journey.app.last_notice.sentence
        assert file.read_text() == "# Again\n"
        await journey.press("f10")
        assert file.read_text() == "# Written elsewhere!\n"

    play(data_dir, steps)


def test_a_version_is_promoted_from_the_notebook(data_dir):
    good = cell("expect", '{"input": {"text": "win a prize"}, "output": "spam"}')
    written(data_dir, TASK_CELL, good.replace("expect", "expect version=v2"), cell("promote", "v2"))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 4)
        await journey.press("R")
        await journey.until(lambda: journey.outcome("promote 1") == "ok")
        await journey.settled()

    play(data_dir, steps)
    assert ArtifactStore(data_dir).active(TASK) == 2


def test_the_place_in_the_notebook_is_remembered(data_dir):
    written(data_dir, TASK_CELL, EXAMPLES_CELL, cell("sql", "select 1"))

    async def leave(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 4)
        await journey.focus("sql 1")

    async def back(journey: Journey) -> None:
        await journey.until(lambda: journey.current == "sql 1")

    play(data_dir, leave)
    play(data_dir, back)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_it_is_readable_in_small_and_large_terminals(data_dir, size):
    written(data_dir, TASK_CELL, EXAMPLES_CELL, cell("try", '{"text": "buy"}'))

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 4)
        await journey.press("R")
        await journey.until(lambda: journey.outcome("try 1") == "ok")
        await journey.settled()
        await journey.focus("try 1")
        picture = journey.app.export_screenshot().replace("&#160;", " ")
        for words in ("spam-detection.notebook.md", "input", "spam", "Run", "Add", "Help"):
            assert words in picture
        assert "Traceback" not in picture

    play(data_dir, steps, size)


def test_every_action_is_in_the_command_palette_and_the_help(data_dir):
    written(data_dir, TASK_CELL)

    async def steps(journey: Journey) -> None:
        await journey.until(lambda: len(journey.views) == 2)
        await journey.focus("task 1")
        active = {binding.binding.action for binding in journey.screen.active_bindings.values()}
        assert {
            "edit", "run_cell", "run('all')", "run('stale')", "add(1)", "add(0)", "delete",
            "move(1)", "move(-1)", "undo", "redo", "open", "export", "save", "copy_output",
        } <= active  # fmt: skip
        assert "interrupt" not in active
        assert journey.views[1].HELP.startswith("# Notebook")

    play(data_dir, steps)
