"""Our own commands as child processes of the app: long work that never slows a key press.

The child tells its progress line by line on standard error and its result as JSON on standard
output. It never outlives the app: cancelling interrupts it, and it is killed if it does not heed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from runtime.errors import LoopaiError, Problem

STOP_SECONDS = 5.0
LINE_LIMIT = 16_000_000


class ChildCommand:
    """One command under way: `python -m MODULE ARGUMENTS`."""

    def __init__(self, module: str, arguments: Sequence[str]) -> None:
        self._arguments = (sys.executable, "-m", module, *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._said: list[str] = []

    async def start(self) -> None:
        """Start it, in a process group of its own. Raises OSError."""
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=LINE_LIMIT,
        )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def lines(self) -> tuple[int, bytes]:
        """Wait for its end; its exit code and everything on standard output."""
        assert self._process is not None and self._process.stdout is not None
        output = await self._process.stdout.read()
        return await self._process.wait(), output

    async def first_line(self) -> bytes:
        """The first line of standard output; empty when it ended without one."""
        assert self._process is not None and self._process.stdout is not None
        return await self._process.stdout.readline()

    async def follow(self, say: Callable[[str], None]) -> None:
        """Hand over each line of standard error until there are no more."""
        assert self._process is not None and self._process.stderr is not None
        async for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self._said.append(line)
            say(line)

    async def stop(self) -> None:
        """Interrupt it and wait; kill it, and all it started, when it does not end."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it and its children at once, and let go of its pipes; harmless when it has ended."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        # asyncio keeps the pipes until all is read, also of a child that has ended; no public way.
        with contextlib.suppress(RuntimeError):  # the app's loop is closed
            process._transport.close()  # type: ignore[attr-defined]

    def failure(self, code: int) -> LoopaiError:
        """Why it ended with `code`, in the words of its standard error."""
        last = self._said[-1] if self._said else f"it ended with {code} and said nothing"
        with contextlib.suppress(ValueError, KeyError, TypeError):
            problems = json.loads(last)["problems"]
            return LoopaiError([Problem(**problem) for problem in problems])
        return LoopaiError(Problem(last.removeprefix("error: ")))


async def run_to_json(
    arguments: Sequence[str], say: Callable[[str], None], *, module: str = "workbench"
) -> Any:
    """Run one of our commands with `--json`; its result. Cancelling interrupts the command.

    Raises LoopaiError with what it complained of.
    """
    command = ChildCommand(module, [*arguments, "--json"])
    await command.start()
    try:
        _, (code, output) = await asyncio.gather(command.follow(say), command.lines())
    except asyncio.CancelledError:
        await command.stop()
        raise
    finally:
        command.kill()
    try:
        return json.loads(output)
    except ValueError:
        raise command.failure(code) from None
