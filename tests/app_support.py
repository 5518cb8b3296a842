"""Drives the app in tests: waits for what it shows and for its workers, never for time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from runtime.data_dir import DataDir
from workbench.tui.app import LoopaiApp
from workbench.tui.settings import Settings

SIZE = (120, 36)
#: Workers of these groups go on for as long as a file is open.
ENDLESS = {"index"}


def drive(
    journey: Callable[[LoopaiApp, Pilot[None]], Awaitable[None]],
    data_dir: DataDir,
    *,
    size: tuple[int, int] = SIZE,
    **given: Any,
) -> LoopaiApp:
    """Run the app headless through a journey; an error on the way fails the test."""
    settings = given.pop("settings", Settings(theme="dark", refresh_sec=0.5))
    app = LoopaiApp(data_dir, settings, **given)

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            try:
                await journey(app, pilot)
            finally:
                await app.serving.stop_all()

    asyncio.run(run())
    return app


async def until(pilot: Pilot[None], question: Callable[[], Any], seconds: float = 40.0) -> Any:
    """Let the app go on until the answer is truthy; fails with what is on the screen."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"too late; the screen:\n{screen_text(pilot.app)}"
        await pilot.pause(0.02)
    return answer


async def settle(pilot: Pilot[None]) -> None:
    """Let every worker that will end come to its end, and what it shows be drawn."""
    for _ in range(3):
        await pilot.pause()
        for worker in list(pilot.app.workers):
            if worker.group not in ENDLESS and not worker.is_finished:
                await worker.wait()
    await pilot.pause()


async def until_shown(pilot: Pilot[None], text: str, seconds: float = 40.0) -> None:
    """Wait until a text can be read on the screen."""

    def shown() -> bool:
        return text in screen_text(pilot.app)

    await until(pilot, shown, seconds)


async def until_still(pilot: Pilot[None]) -> str:
    """Wait until what can be read stays the same for a while; what that is."""
    seen, looks = "", 0
    while looks < 5:
        await pilot.pause(0.03)
        shown = screen_text(pilot.app)
        looks = looks + 1 if shown == seen else 0
        seen = shown
    return seen


def write(pilot: Pilot[None], text: str) -> None:
    """Put a text into the focused field at once, as pasting it does."""
    field = pilot.app.focused
    assert isinstance(field, Input), f"{field!r} takes no text"
    field.value = text


def screen_text(app: Any) -> str:
    """What a person can read, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
