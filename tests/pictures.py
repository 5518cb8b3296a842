"""Makes the pictures of the app for the README: `python -m tests.pictures` writes .pictures/*.svg.

The data is made up and the same each time; run it again after the app has changed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sample_workspace import clock, make_workspace

from runtime.data_dir import DataDir
from workbench.tui.app import LoopaiApp
from workbench.tui.settings import Settings

FOLDER = Path(__file__).parents[1] / ".pictures"
#: File, size in letters, theme, keys to press.
PICTURES: tuple[tuple[str, tuple[int, int], str, tuple[str, ...]], ...] = (
    ("app-tasks", (130, 34), "dark", ("end",)),
    ("app-notebook", (130, 46), "dark", ("end", "2", "R", *"gjjjj")),
    ("app-dataset", (130, 34), "dark", ("end", "3", "down", "down")),
    ("app-analytics", (140, 44), "dark", ("end", "4")),
    ("app-versions", (130, 38), "dark", ("end", "5", "down", "d")),
    ("app-rollout", (130, 34), "light", ("end", "5", "o")),
    ("app-models", (100, 26), "dark", ("6",)),
    ("app-sync", (130, 34), "dark", ("end", "7")),
    ("app-label", (100, 28), "light", ("end", "3", "l")),
    ("app-jump", (130, 34), "dark", ("end", "3", "ctrl+o")),
    ("app-help", (130, 34), "light", ("end", "question_mark")),
    ("app-first-steps", (100, 28), "dark", ()),
)


async def take(data_dir: DataDir, size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> str:
    """One picture as SVG, taken when nothing is under way any more."""
    app = LoopaiApp(data_dir, Settings(theme=theme, refresh_sec=3600), clock)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        for key in keys:
            await pilot.press(key)
            await settle(app, pilot)
        return app.export_screenshot(title="Loopai")


async def settle(app: LoopaiApp, pilot: object) -> None:
    """Wait until no worker but the one that follows a file is busy, and all is drawn."""
    for _ in range(3):
        await pilot.pause()  # type: ignore[attr-defined]
        for worker in list(app.workers):
            if worker.group != "index" and not worker.is_finished:
                await worker.wait()
    await pilot.pause(0.4)  # type: ignore[attr-defined]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        full, empty = DataDir(Path(folder) / "loopai-data"), DataDir(Path(folder) / "empty")
        make_workspace(full)
        for name, size, theme, keys in PICTURES:
            if not wanted or name in wanted:
                data_dir = empty if name == "app-first-steps" else full
                svg = asyncio.run(take(data_dir, size, theme, keys))
                (FOLDER / f"{name}.svg").write_text(svg + "\n")
                print(name)


if __name__ == "__main__":
    main()
