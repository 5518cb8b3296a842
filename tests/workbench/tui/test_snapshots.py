"""Every screen as it was last looked at and found good, in two sizes, letter by letter.

`LOOPAI_TAKE_SNAPSHOTS=1 pytest tests/workbench/tui/test_snapshots.py -n 0` takes them anew: look at
the difference before keeping it. Colours are looked at in the pictures of the README.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from app_support import drive, settle, until_shown, until_still
from sample_workspace import clock, make_workspace

from runtime.data_dir import DataDir
from workbench.tui.settings import Settings

FOLDER = Path(__file__).parent / "snapshots"
TAKE = bool(os.environ.get("LOOPAI_TAKE_SNAPSHOTS"))
SIZES = {"small": (80, 24), "wide": (140, 40)}
#: Keys, in this order, and what is on the screen once it shows everything.
SCREENS: dict[str, tuple[tuple[str, ...], str]] = {
    "tasks": (("end",), "Decide whether a message"),
    "help": (("question_mark",), "Cursor up"),
    "new-task": (("question_mark", "n"), "Start from"),
    "notebook": (("escape", "2", "R"), "notebook.md  saved\n"),
    "notebook-add": (("g", "j", "a"), "Words, in Markdown"),
    "dataset": (("escape", "3"), "Record, line 1"),
    "jump": (("ctrl+o",), "Record, line 1"),
    "label": (("escape", "l"), "3 wait"),
    "analytics": (("escape", "4"), "executions"),
    "versions": (("5",), "accuracy  95.3%"),
    "diff": (("d",), "v2 → v3"),
    "rollout": (("o",), "one point better"),
    "models": (("6",), "No model server answers"),
    "sync": (("7",), "Next upload"),
    "sync-log": (("l",), "the chain holds"),
}


@pytest.mark.timeout(420)
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_looks_as_it_was_last_found_good(tmp_path, size, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    workspace = DataDir(tmp_path / "loopai-data")
    make_workspace(workspace)
    seen: dict[str, str] = {}

    async def journey(app, pilot):
        await until_shown(pilot, "spam-detection")
        for name, (keys, shown) in SCREENS.items():
            for key in keys:
                await settle(pilot)
                await pilot.press(key)
            await until_shown(pilot, shown)
            await settle(pilot)
            # How long a cell took depends on the machine.
            seen[name] = re.sub(r"  \d+ s$", "", await until_still(pilot), flags=re.M) + "\n"

    settings = Settings(theme="dark", refresh_sec=3600)
    drive(journey, workspace, size=SIZES[size], settings=settings, clock=clock)
    for name, text in seen.items():
        file = FOLDER / f"{name}-{size}.txt"
        if TAKE:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(text)
        assert text == file.read_text(), name
