"""The Analytics tab's way to the whole report: a page in the person's browser, or where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_support import drive, until, until_shown
from support import TASK, log_line, server_folder

from runtime.data_dir import DataDir


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    data_dir = server_folder(tmp_path)
    log = data_dir.executions(TASK) / "2026-11-22.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\n".join(log_line(number) for number in range(20)) + b"\n")
    return data_dir


def test_the_report_opens_in_the_browser_and_holds_its_charts(data_dir, tmp_path, monkeypatch):
    asked = tmp_path / "asked"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {asked}.new && mv {asked}.new {asked}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")

    async def journey(app, pilot):
        await pilot.press("4", "o")
        await until(pilot, asked.exists)
        await until_shown(pilot, "The report is open in a browser")

    drive(journey, data_dir)
    page = Path(asked.read_text().strip().removeprefix("file://")).read_text()
    assert "plotly" in page.lower()
    assert TASK in page


def test_without_a_browser_the_report_s_place_is_said(data_dir, monkeypatch):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")  # what draws in a terminal counts for none, too

    async def journey(app, pilot):
        await pilot.press("4", "o")
        await until_shown(pilot, "no browser was found")
        await until_shown(pilot, f"{TASK}.html")

    drive(journey, data_dir)
