"""From an empty folder to a program that serves, in the app."""

from __future__ import annotations

import httpx
import pytest
from app_support import drive, until, until_shown, write
from support import make_task, promote, server_folder

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.tasks import load_task
from workbench.overview import overview, traffic_today, warnings_of


@pytest.fixture
def empty(tmp_path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_an_empty_folder_says_what_to_do_first(empty):
    async def journey(app, pilot):
        await until_shown(pilot, "Welcome to Loopai")
        await until_shown(pilot, "spam-detection")

    drive(journey, empty, size=(80, 24))
    assert not empty.root.exists()


def test_a_sample_becomes_a_task_in_three_keys(empty):
    async def journey(app, pilot):
        await until_shown(pilot, "Welcome")
        await pilot.press("down", "enter")
        await until_shown(pilot, "New task")
        await pilot.press("enter")
        await until_shown(pilot, "342")
        assert app.chosen == "spam-detection"

    drive(journey, empty)
    assert len(load_task(empty, "spam-detection").examples) == 342


def test_a_table_becomes_a_task_with_the_columns_that_were_picked(empty, tmp_path, monkeypatch):
    rows = "".join(
        f"{number},red,{number % 7},keep\n{number},blue,3,back\n" for number in range(20)
    )
    (tmp_path / "returns.csv").write_text("order,colour,price,verdict\n" + rows)
    monkeypatch.chdir(tmp_path)

    async def journey(app, pilot):
        await until_shown(pilot, "Welcome")
        await pilot.press("enter")
        await until_shown(pilot, "New task")
        await pilot.press("tab", "tab")
        write(pilot, "returns.csv")
        await until_shown(pilot, "40 rows, 4 columns")
        await pilot.press("tab", "tab")  # to the columns learned from; order is taken out
        await pilot.press("space")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.chosen == "returns")

    drive(journey, empty)
    task = load_task(empty, "returns")
    assert set(task.input_schema["properties"]) == {"colour", "price"}
    assert task.output_schema == {"enum": ["back", "keep"]}


def test_a_name_that_is_taken_is_refused_in_the_form(tmp_path):
    data_dir = server_folder(tmp_path)

    async def journey(app, pilot):
        await until_shown(pilot, "spam-detection")
        await pilot.press("n")
        await until_shown(pilot, "New task")
        await pilot.press("tab")
        write(pilot, "spam-detection")
        await pilot.press("ctrl+s")
        await until_shown(pilot, "is there already")

    drive(journey, data_dir)


def test_a_task_that_cannot_be_read_says_why_and_the_others_go_on(tmp_path):
    data_dir = server_folder(tmp_path)
    make_task(data_dir, "broken")
    data_dir.task_file("broken").write_text("v: 1\nname: broken\n")

    async def journey(app, pilot):
        await until_shown(pilot, "cannot be read")
        await until_shown(pilot, "is missing")
        await until_shown(pilot, "serves v1")

    drive(journey, data_dir)


@pytest.mark.slow
def test_synthesis_runs_beside_the_app_and_its_result_is_promoted_with_one_key(empty):
    async def journey(app, pilot):
        await until_shown(pilot, "Welcome")
        await pilot.press("end", "enter", "enter")  # phone-normalisation
        await until_shown(pilot, "to synthesize")
        await pilot.press("s")
        await until_shown(pilot, "in the background")
        await until_shown(pilot, "Stored as v1", seconds=150)
        await pilot.press("p")
        await until_shown(pilot, "serves v1")

    drive(journey, empty)
    assert ArtifactStore(empty).active("phone-normalisation") == 1


def test_a_synthesis_that_cannot_begin_is_a_notice_with_its_reason(empty):
    make_task(empty)

    async def journey(app, pilot):
        await until_shown(pilot, "no examples")
        await pilot.press("s")
        await until(pilot, lambda: app.last_notice)
        assert "example" in app.last_notice.sentence
        await pilot.press("f8")
        await until_shown(pilot, "Copy")

    drive(journey, empty)


def test_a_synthesis_can_be_cancelled_and_stores_nothing(empty):
    async def journey(app, pilot):
        await until_shown(pilot, "Welcome")
        await pilot.press("down", "enter", "enter")
        await until_shown(pilot, "to synthesize")
        await pilot.press("s")
        await until_shown(pilot, "in the background")
        await pilot.press("c")
        await until_shown(pilot, "was cancelled")

    drive(journey, empty)
    assert ArtifactStore(empty).versions("spam-detection") == []


def test_an_input_is_tried_in_the_sandbox_and_checked_first(tmp_path):
    data_dir = server_folder(tmp_path)

    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("t")
        await until_shown(pilot, "Try spam-detection v1")
        editor = app.screen.query_one("#try-input")
        editor.text = '{"text": 7}'
        await pilot.press("ctrl+r")
        await until_shown(pilot, "/text")
        editor.text = '{"text": "buy this"}'
        await pilot.press("ctrl+r")
        await until_shown(pilot, '"spam"')
        await until_shown(pilot, "75% sure")

    drive(journey, data_dir)


def test_the_app_serves_a_task_while_it_is_open_and_no_longer(tmp_path):
    data_dir = server_folder(tmp_path)
    urls = []

    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("r")
        url = await until(pilot, lambda: app.serving.address("spam-detection"))
        urls.append(url)
        answer = httpx.post(f"{url}/execute", json={"input": {"text": "buy"}}, timeout=10)
        assert answer.json()["output"] == "spam"
        await until_shown(pilot, "served")
        await pilot.press("ctrl+q")

    drive(journey, data_dir)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{urls[0]}/health", timeout=2)


def test_promoting_an_older_state_is_said_not_done(tmp_path):
    data_dir = server_folder(tmp_path)

    async def journey(app, pilot):
        await until_shown(pilot, "serves v1")
        await pilot.press("p")
        await until_shown(pilot, "already")

    drive(journey, data_dir)


def test_what_needs_a_look_comes_from_the_log_and_the_evaluation(tmp_path):
    from datetime import date

    from support import log_line

    data_dir = server_folder(tmp_path)
    folder = data_dir.executions("spam-detection")
    folder.mkdir(parents=True)
    lines = [log_line(number, status="error" if number % 2 else "success") for number in range(10)]
    (folder / "2026-11-22.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    traffic = traffic_today(data_dir, "spam-detection", date(2026, 11, 22))
    assert (traffic.executions, traffic.failed) == (10, 5)
    found = warnings_of(overview(data_dir, "spam-detection"), traffic)
    assert found == ["50% of today's executions failed"]


def test_an_overview_follows_the_task_from_examples_to_service(tmp_path):
    data_dir = DataDir(tmp_path)
    task = make_task(data_dir)
    assert overview(data_dir, task.name).state == "no examples"
    data_dir.examples_file(task.name).write_text('{"input": {"text": "a"}, "output": "ham"}\n')
    assert overview(data_dir, task.name).state == "to synthesize"
    promote(data_dir, task)
    assert overview(data_dir, task.name).state == "serves"
