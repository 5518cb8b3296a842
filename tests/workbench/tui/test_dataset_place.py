"""Looking at records in the app: filter, search, sort, follow, label."""

from __future__ import annotations

import json

import pytest
from app_support import drive, until, until_shown, write
from support import TASK, log_line, server_folder

from runtime.data_dir import DataDir
from runtime.steward import samples
from runtime.steward.samples import Sample
from runtime.steward.state import open_state
from runtime.validation import queue
from workbench.tui.record_table import RecordTable

LINES = 500


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    data_dir = server_folder(tmp_path)
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True)
    lines = [
        log_line(
            number,
            status="error" if number % 50 == 7 else "success",
            latency_ms=(number * 37) % 101 / 10,
        )
        for number in range(LINES)
    ]
    (folder / "2026-11-22.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return data_dir


def table(app) -> RecordTable:
    return app.screen.query_one(RecordTable)


def test_a_log_is_scrolled_by_keys_with_the_record_in_full_beside_it(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("end")
        await until_shown(pilot, "500 of 500")
        await until_shown(pilot, "Record, line 500")
        await until_shown(pilot, "text 499")
        await pilot.press("home", "down")
        await until_shown(pilot, "2 of 500")

    drive(journey, data_dir)


def test_only_failures_then_everything_again(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("x")
        await until_shown(pilot, "1 of 10 ")
        await pilot.press("x")
        await until_shown(pilot, "1 of 500")

    drive(journey, data_dir, size=(80, 24))


def test_a_filter_is_typed_and_taken_away_with_escape(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("f")
        write(pilot, "latency_ms>9.9 input.text~text")
        await pilot.press("enter")
        await until(pilot, lambda: 0 < table(app).count < 30)
        await pilot.press("escape")
        await until_shown(pilot, "1 of 500")

    drive(journey, data_dir)


def test_a_filter_that_cannot_be_read_is_a_notice(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("f")
        write(pilot, '"free prize')
        await pilot.press("enter")
        await until_shown(pilot, "a quotation mark is not closed")

    drive(journey, data_dir)


def test_search_goes_on_and_back_and_says_when_there_is_no_more(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("slash")
        write(pilot, "status=error")
        await pilot.press("enter")
        await until(pilot, lambda: table(app).cursor == 7)
        await pilot.press("n")
        await until(pilot, lambda: table(app).cursor == 57)
        await pilot.press("N")
        await until(pilot, lambda: table(app).cursor == 7)
        await pilot.press("N")
        await until_shown(pilot, "is nowhere before")

    drive(journey, data_dir)


def test_a_window_is_sorted_by_a_chosen_field_and_back(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("s")
        await until_shown(pilot, "latency_ms")
        await pilot.press("down", "down", "down", "enter")
        await until_shown(pilot, "sorted by latency_ms ↓")
        first = json.loads(app.screen.opened_file.rows.line(0).content)
        assert first["latency_ms"] == 10.0
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.sorted_by == "")

    drive(journey, data_dir)


def test_following_shows_what_is_written_while_one_looks(data_dir):
    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("t")
        await until_shown(pilot, "follows")
        with (data_dir.executions(TASK) / "2026-11-22.jsonl").open("ab") as log:
            log.write(log_line(777) + b"\n")
        await until_shown(pilot, "501 of 501")

    drive(journey, data_dir)


def test_another_file_is_opened_by_its_path(data_dir, tmp_path, monkeypatch):
    (tmp_path / "orders.jsonl").write_text('{"city": "Łódź"}\nno json\n')
    monkeypatch.chdir(tmp_path)

    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("o", "tab")
        write(pilot, "orders.jsonl")
        await pilot.press("enter")
        await until_shown(pilot, "Łódź")
        await pilot.press("end")
        await until_shown(pilot, "This line is no JSON")

    drive(journey, data_dir)


def test_place_file_row_and_sorting_are_found_again_the_next_time(data_dir):
    async def first(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        table(app).cursor = 321
        await pilot.press("ctrl+q")

    async def second(app, pilot):
        await until_shown(pilot, "322 of 500")
        await pilot.press("s")
        await until_shown(pilot, "latency_ms")
        await pilot.press("down", "down", "down", "enter")
        await until_shown(pilot, "sorted by latency_ms ↓")
        assert table(app).count == 500 - 321
        table(app).cursor = 12
        await pilot.press("ctrl+q")

    async def third(app, pilot):
        await until_shown(pilot, "sorted by latency_ms ↓")
        await until_shown(pilot, "13 of 179")

    drive(first, data_dir)
    drive(second, data_dir)
    drive(third, data_dir)


def test_a_person_accepts_corrects_and_skips_samples(data_dir):
    given = [
        Sample(
            execution_id=f"00000000-0000-7000-8000-00000000000{number}",
            task=TASK,
            program_version=1,
            input={"text": f"message {number}"},
            output="ham",
            error=None,
            confidence=0.6,
            status="success",
            latency_ms=0.2,
            executed_at=f"2026-11-22T10:00:0{number}.000000Z",
            strategy="random",
            inclusion_probability=0.1,
            state="waiting",
        )
        for number in range(3)
    ]
    with open_state(data_dir, queue.TABLES) as state, state.transaction() as connection:
        samples.add_samples(connection, given)

    async def journey(app, pilot):
        await pilot.press("3")
        await until_shown(pilot, "of 500")
        await pilot.press("l")
        await until_shown(pilot, "message 2")
        await pilot.press("a")
        await until_shown(pilot, "message 1")
        await pilot.press("c")
        await until_shown(pilot, "What it should have been")
        await pilot.press("enter")
        await until_shown(pilot, "message 0")
        await pilot.press("s")
        await until_shown(pilot, "Nothing more waits")
        await pilot.press("u")
        await until_shown(pilot, "message 0")
        await pilot.press("a", "escape")
        await until_shown(pilot, "3 labelled")

    drive(journey, data_dir)
    files = list(data_dir.validations(TASK).glob("sampled-*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert sorted((line["input"]["text"], line["match"]) for line in lines) == [
        ("message 0", True),
        ("message 1", False),
        ("message 2", True),
    ]
