"""How the app takes a file of ten million lines: opening, scrolling, filtering, memory.

    python -m tests.benchmarks.large_dataset [LINES]

Writes a file of about 240 bytes a line to a temporary folder, opens it in the real app (headless,
120 x 40 letters), scrolls to many places while it is being counted, and prints the figures. Beside
how long a key took it says how much of that the app's thread computed: on a machine with other work
the rest is spent waiting for a processor, or for another thread of the app.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from app_support import until

from runtime.data_dir import DataDir
from workbench.tui.app import LoopaiApp
from workbench.tui.record_table import RecordTable
from workbench.tui.settings import Settings
from workbench.tui.short_collections import keep_collections_short

LINES = 10_000_000
PIECE = 10_000
PRESSES = 200


def write_file(path: Path, lines: int) -> None:
    """Lines as the log has them, in pieces of ten thousand."""
    piece = b"".join(
        json.dumps(
            {
                "v": 1,
                "execution_id": f"00000000-0000-7000-8000-{number:012d}",
                "program_version": 1 + number % 3,
                "input": {"text": f"message {number} " + "x" * (number % 60)},
                "output": "spam" if number % 3 else "ham",
                "status": "error" if number % 97 == 0 else "success",
                "latency_ms": number % 777 / 50,
                "timestamp": f"2026-11-22T10:{number // 60 % 60:02d}:{number % 60:02d}.000000Z",
            },
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for number in range(PIECE)
    )
    with path.open("wb") as file:
        for _ in range(lines // PIECE):
            file.write(piece)


async def measure(path: Path, lines: int, folder: Path) -> dict[str, float]:
    """The figures of one run, in seconds, milliseconds and megabytes."""
    figures: dict[str, float] = {}
    app = LoopaiApp(DataDir(folder / "data"), Settings(refresh_sec=3600))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        started = time.perf_counter()
        app.screen.open_file(path)
        table = app.screen.query_one(RecordTable)
        await until(pilot, lambda: table.count > 50 and table.has_columns)
        await _drawn(table)
        figures["first rows s"] = time.perf_counter() - started
        waits = [await _press(pilot, key) for key in _keys(PRESSES)]
        _note(figures, "key while counting", waits)
        await until(pilot, lambda: table.count == lines, 600)
        figures["all lines counted s"] = time.perf_counter() - started
        waits = []
        for place in range(PRESSES):
            table.cursor = place * 7_919_993 % lines
            waits.append(await _press(pilot, "pagedown"))
        _note(figures, "jump anywhere", waits)
        started = time.perf_counter()
        await pilot.press("x")
        await until(pilot, lambda: table.count > PRESSES)
        waits = [await _press(pilot, key) for key in _keys(PRESSES)]
        _note(figures, "key while filtering", waits)
        await until(pilot, lambda: app.screen.opened_file.share == 1.0, 1800)
        figures["failures of all lines s"] = time.perf_counter() - started
        table.take_growth()
        figures["failures found"] = table.count
        (reader,) = psutil.Process().children()
        figures["memory of its reader MB"] = reader.memory_info().rss / 1e6
    figures["memory of the app MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return figures


def _note(figures: dict[str, float], name: str, waits: list[tuple[float, float]]) -> None:
    for what, seconds in zip(("", " computed"), zip(*waits, strict=True), strict=True):
        ordered = sorted(seconds)
        for word, share in (("median", 0.5), ("p95", 0.95), ("worst", 1.0)):
            place = round(share * (len(ordered) - 1))
            figures[f"{name},{what} {word} ms"] = ordered[place] * 1000


def _keys(count: int) -> list[str]:
    return [("down", "pagedown", "up")[number % 3] for number in range(count)]


async def _press(pilot, key: str) -> tuple[float, float]:
    """How long until a key was answered, drawn screen included; how much of it was computing."""
    table = pilot.app.screen.query_one(RecordTable)
    started, computed = time.perf_counter(), time.thread_time()
    action = {"down": "move(1)", "up": "move(-1)", "pagedown": "page(1)"}[key]
    await table.run_action(action)
    await _drawn(table)
    return time.perf_counter() - started, time.thread_time() - computed


async def _drawn(table: RecordTable) -> None:
    drawn = asyncio.Event()
    table.call_after_refresh(drawn.set)
    await drawn.wait()


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        write_file(path, lines)
        keep_collections_short()  # as `loopai` does
        print(f"{lines:,} lines, {path.stat().st_size / 1e9:.2f} GB")
        for name, value in asyncio.run(measure(path, lines, Path(folder))).items():
            print(f"{name:42}{value:>12,.2f}")


if __name__ == "__main__":
    main()
