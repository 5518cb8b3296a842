"""The Models tab against a real server: getting a model with progress, using it, removing it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app_support import drive, until, until_shown, write
from ollama_server.running import RunningOllama
from support import server_folder

from runtime.data_dir import DataDir


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return server_folder(tmp_path)


@pytest.fixture
def ollama(monkeypatch) -> Iterator[RunningOllama]:
    with RunningOllama(pause=0.1) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


async def ask_for(pilot, model: str) -> None:
    await pilot.press("6")
    await until_shown(pilot, "tiny:latest")
    await pilot.press("n")
    await until_shown(pilot, "Its name on the server's registry")
    write(pilot, model)
    await pilot.press("enter")


def test_a_model_is_got_with_progress_used_and_removed(data_dir, ollama):
    async def journey(app, pilot):
        await ask_for(pilot, "smollm2:135m")
        await until_shown(pilot, "50%")
        await until_shown(pilot, "smollm2:135m is there")
        await until(pilot, lambda: not app.screen.query_one("#pull").display)
        table = app.screen.query_one("#model-table")
        await until(pilot, lambda: table.highlighted_key == "smollm2:135m")
        await pilot.press("enter")
        await until_shown(pilot, "ask smollm2:135m")
        await until_shown(pilot, "synthesis")
        await pilot.press("delete")
        await until_shown(pilot, "is deleted from the server")
        await pilot.press("enter")
        await until_shown(pilot, "smollm2:135m is gone")
        await until(pilot, lambda: table.highlighted_key == "tiny:latest")
        assert app.state.get("model") is None

    drive(journey, data_dir)
    assert list(ollama.state.models) == ["tiny:latest"]


def test_getting_a_model_is_given_up_with_a_key(data_dir, ollama):
    ollama.state.pause = 0.5

    async def journey(app, pilot):
        await ask_for(pilot, "smollm2:135m")
        await until_shown(pilot, "25%")
        await pilot.press("c")
        await until_shown(pilot, "Given up")
        await until(pilot, lambda: not app.screen.query_one("#pull").display)

    drive(journey, data_dir)
    assert list(ollama.state.models) == ["tiny:latest"]


def test_a_model_that_nobody_has_is_said_and_the_tab_goes_on(data_dir, ollama):
    async def journey(app, pilot):
        await ask_for(pilot, "huge")
        await until_shown(pilot, "no model 'huge'")
        await until_shown(pilot, "tiny:latest")

    drive(journey, data_dir)
