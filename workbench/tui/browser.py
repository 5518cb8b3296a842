"""Opens a file in the person's browser, with the screen left alone."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

WAIT_SECONDS = 10.0
CODE = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


async def open_in_browser(file: Path) -> bool:
    """Whether a browser took the file. `$BROWSER` is heeded.

    In a child without a terminal: one that draws in the terminal would do so over the app.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CODE, file.absolute().as_uri()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await process.wait() == 0
    except TimeoutError:
        return True  # some stay in the foreground for as long as their window is open
