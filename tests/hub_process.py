"""A hub as a process of its own, for tests that look at one from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from support import clean_environment, wait_until


class StartedHub:
    """`loopai hub start` on a free port; what it says goes to a file beside its folder."""

    def __init__(self, folder: Path) -> None:
        self._errors = folder.parent / "hub-errors.txt"
        command = [sys.executable, "-m", "workbench", "hub", "start", "--port", "0"]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, "--folder", str(folder)], stderr=errors, env=clean_environment()
            )

    def __enter__(self) -> StartedHub:
        wait_until(lambda: "running on" in self.log(), 60)
        self.url = self.log().split("running on ")[1].split()[0]
        return self

    def __exit__(self, *exception: object) -> None:
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(timeout=20)

    def log(self) -> str:
        return self._errors.read_text()
