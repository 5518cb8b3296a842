"""How the app behaves everywhere: keys, palette, help, jump mode, themes, state, errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from app_support import drive, screen_text, until, until_shown, write
from support import TASK, clean_environment, log_line, promote, server_folder

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.tasks import load_task
from workbench.tui.jump import jump_targets
from workbench.tui.notices import notice_of
from workbench.tui.palette import ActionProvider
from workbench.tui.places import installed_places
from workbench.tui.settings import Settings, State, load_settings
from workbench.tui.start import first_frame
from workbench.tui.themes import theme_for


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return server_folder(tmp_path)


def test_every_place_opens_with_its_key_and_its_footer_is_in_the_command_palette(data_dir):
    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        for place in installed_places():
            await pilot.press(place.key)
            await until(pilot, lambda place=place: app.current_mode == place.name)
            await until_shown(pilot, "^p")
            screen = app.screen
            shown = {
                active.binding.description
                for active in screen.active_bindings.values()
                if active.binding.show and active.enabled and not active.binding.system
            }
            found = {name for name, _, _ in ActionProvider(screen)._entries()}
            assert shown <= found, place.name

    drive(journey, data_dir)


def test_the_command_palette_runs_what_was_found(data_dir):
    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query("CommandInput"))
        write(pilot, "Go to Versions")
        await until_shown(pilot, "Compare and promote")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.current_mode == "versions")

    drive(journey, data_dir)


def test_jump_mode_puts_a_letter_on_whatever_can_be_focused(data_dir):
    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        targets = jump_targets(app.screen)
        wanted = next(key for key, (widget, _) in targets.items() if widget.id == "task-side")
        await pilot.press("ctrl+o", wanted)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "task-side")
        await pilot.press("ctrl+o", "5")
        await until(pilot, lambda: app.current_mode == "versions")

    drive(journey, data_dir)


def test_help_tells_of_the_focused_widget_and_goes_again(data_dir):
    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("question_mark")
        await until_shown(pilot, "the one that every tab")
        await pilot.press("question_mark")
        await until(pilot, lambda: "the one that every tab" not in screen_text(app))

    drive(journey, data_dir)


def test_a_click_on_a_tab_opens_it_and_one_on_a_key_presses_it(data_dir):
    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.click("KeyLine .always", offset=(3, 0))
        await until_shown(pilot, "the one that every tab")
        await pilot.click("#tab-versions")
        await until(pilot, lambda: app.current_mode == "versions")

    drive(journey, data_dir)


def test_the_light_theme_is_one_key_away_and_kept(data_dir):
    async def first(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("f3", "5")
        await pilot.press("ctrl+q")

    async def second(app, pilot):
        assert app.theme == "loopai-light"
        assert app.current_mode == "versions"

    drive(first, data_dir)
    drive(second, data_dir)


# In 80 x 24 and 140 x 40 letters the snapshots show each.
@pytest.mark.parametrize("size", [(40, 12), (220, 60)], ids=["tiny", "wide"])
def test_every_place_draws_itself_in_any_size(data_dir, size):
    async def journey(app, pilot):
        await pilot.pause()
        for place in installed_places():
            await pilot.press(place.key)
            await until(pilot, lambda place=place: app.current_mode == place.name)
            await pilot.pause()

    drive(journey, data_dir, size=size)


def test_without_colour_nothing_is_coloured(data_dir, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        strips = app.screen._compositor.render_strips()
        filtered = [
            strip.apply_filter(app._filters[0], app.screen.background_colors[1]) for strip in strips
        ]
        for strip in filtered:
            for segment in strip:
                colour = segment.style.color if segment.style else None
                if colour is not None and colour.triplet is not None:
                    assert len(set(colour.triplet)) == 1, segment

    drive(journey, data_dir)


def test_an_error_nobody_foresaw_is_a_notice_and_the_app_goes_on(data_dir):
    async def journey(app, pilot):
        app.forgiving = True
        await until_shown(pilot, "serves v1")

        def fail() -> None:
            raise RuntimeError("the disk has a hole")

        app.screen.call_later(fail)
        await until_shown(pilot, "the disk has a hole")
        await pilot.press("f8")
        await until_shown(pilot, "Traceback")
        await pilot.press("escape", "5")
        await until(pilot, lambda: app.current_mode == "versions")

    drive(journey, data_dir)


def test_a_notice_counts_its_problems_and_keeps_all_of_them():
    error = LoopaiError([Problem("one.", "task.yaml", 3), Problem("two.")])
    notice = notice_of(error, "Reading the task")
    assert notice.sentence == "task.yaml:3: one. (and 1 more)"
    assert notice.details.splitlines() == ["task.yaml:3: one.", "two."]


def test_settings_are_checked_with_file_and_line(tmp_path):
    file = tmp_path / "workbench.yaml"
    assert load_settings(file) == Settings()
    file.write_text("theme: light\nrefresh_sec: 5\n")
    assert load_settings(file).refresh_sec == 5
    file.write_text("theme: light\nrefresh: 5\n")
    with pytest.raises(InvalidInputError, match=r"workbench.yaml:2 \(refresh\)"):
        load_settings(file)


def test_a_broken_state_is_started_afresh(tmp_path):
    data_dir = DataDir(tmp_path)
    data_dir.state.mkdir()
    (data_dir.state / "workbench.json").write_text("{")
    state = State(data_dir)
    state.put("place", "tasks")
    state.save()
    assert State(data_dir).get("place") == "tasks"


@pytest.mark.parametrize(
    ("choice", "background", "theme"),
    [
        ("auto", "0;15", "loopai-light"),
        ("auto", "15;0", "loopai-dark"),
        ("auto", "", "loopai-dark"),
        ("light", "15;0", "loopai-light"),
        ("nord", "", "nord"),
    ],
)
def test_the_theme_follows_the_setting_and_the_terminal(choice, background, theme):
    assert theme_for(choice, {"COLORFGBG": background}) == theme


def test_the_first_frame_fits_the_terminal_and_needs_no_textual(data_dir):
    frame = first_frame(40, 10, data_dir)
    assert "1 Tasks" in frame
    assert TASK in frame
    assert len(frame.splitlines()) <= 10
    assert not _loads(
        "workbench.cli, workbench.tui.start, workbench.overview, workbench.new_task", "textual"
    )


def test_the_list_of_tasks_is_drawn_before_what_reads_them_is_loaded():
    assert not _loads("workbench.tui.app, workbench.tui.tasks_screen", "pydantic")


def _loads(modules: str, library: str) -> bool:
    code = f"import sys, {modules}; sys.exit({library!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=clean_environment(), timeout=60)
    return done.returncode != 0


def test_versions_are_compared_promoted_and_rolled_back(data_dir):
    task = load_task(data_dir, TASK)
    promote(data_dir, task, "def run(input_data):\n    return 'ham'\n")
    log = data_dir.executions(TASK) / "2026-11-22.jsonl"
    log.parent.mkdir(parents=True)
    lines = [log_line(number, input={"text": text}) for number, text in enumerate(("buy", "hi"))]
    log.write_bytes(b"\n".join(lines) + b"\n")

    async def journey(app, pilot):
        await pilot.press("5")
        await until_shown(pilot, "v2")
        await pilot.press("d")
        await until_shown(pilot, "return 'ham'")
        await pilot.press("b")
        await until_shown(pilot, "1 of the 2 newest executions would be")
        await pilot.press("c")
        await until_shown(pilot, "Source of v2")
        await pilot.press("u")
        await until_shown(pilot, "Roll back")
        await pilot.press("enter")
        await until_shown(pilot, "serves v1 again")
        await pilot.press("p")
        await until_shown(pilot, "in stages")
        await pilot.press("enter")
        await until_shown(pilot, "Reason")
        write(pilot, "to be tried")
        await pilot.press("enter")
        await until_shown(pilot, "10 % of callers first")
        await until_shown(pilot, "to be tried")
        await pilot.press("a")
        await until_shown(pilot, "pause")
        await pilot.press("enter")
        await until_shown(pilot, "The rollout is paused")
        await pilot.press("h")
        await until_shown(pilot, "rolled back")

    drive(journey, data_dir)


def test_models_without_a_server_are_embedded_mode(data_dir, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")

    async def journey(app, pilot):
        await pilot.press("6")
        await until_shown(pilot, "No model server answers")

    drive(journey, data_dir)


def test_a_key_is_answered_while_a_big_file_is_counted(data_dir, tmp_path):
    """The worst wait of a hundred key presses is short, with a file being filtered behind."""
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True)
    line = b'{"v":1,"status":"success","timestamp":"2026-11-22T10:00:00Z","input":{"text":"a"}}\n'
    (folder / "2026-11-22.jsonl").write_bytes(line * 300_000)

    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of ")
        await pilot.press("x")
        waits = []
        loop = asyncio.get_running_loop()
        for _ in range(100):
            started = loop.time()
            await asyncio.sleep(0)
            waits.append(loop.time() - started)
        assert sorted(waits)[90] < 0.05

    drive(journey, data_dir)


def test_source_side_by_side_has_the_colours_of_python_in_each_theme(data_dir):
    promote(data_dir, load_task(data_dir, TASK), "def run(input_data):\n    return 'ham'\n")

    def colours(app) -> list[str]:
        view = app.screen.query_one("#version-diff")
        strips = [view.render_line(y) for y in range(view.size.height)]
        styles = {part.text: part.style for strip in strips for part in strip}
        return [styles[word].color.name for word in ("def", "run", "return")]

    async def journey(app, pilot):
        await pilot.press("5")
        await until_shown(pilot, "v2")
        await pilot.press("d")
        await until_shown(pilot, "return 'ham'")
        keyword, name, other_keyword = colours(app)
        assert keyword == other_keyword != name
        await pilot.press("f3")
        await until(pilot, lambda: colours(app)[0] != keyword)
        assert "return 'ham'" in screen_text(app)

    drive(journey, data_dir)
