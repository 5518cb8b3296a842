"""A real terminal that tests type into and look at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from support import clean_environment


class Terminal:
    """A terminal of 100 x 32 letters in a tmux server of its own."""

    def __init__(self, folder: Path, *shell: str) -> None:
        self._socket = str(folder / "tmux")
        home = folder / "home"
        home.mkdir()
        environment = {**clean_environment(), "HOME": str(home), "TERM": "xterm-256color"}
        environment |= {"LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(home), "PS1": "$ "}
        for name in ("TMUX", "COLUMNS", "LINES"):
            environment.pop(name, None)
        work = folder / "work"
        work.mkdir()
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environment = {**environment, "PATH": paths}
        self._run(
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "32",
            "-c",
            str(work),
            *(shell or ("sh",)),
        )

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Wait until the screen shows something; fails with what it shows."""
        deadline = time.monotonic() + seconds
        while True:
            shown = self.screen()
            if match := re.search(pattern, shown):
                return match
            assert time.monotonic() < deadline, f"no {pattern!r} on the screen:\n{shown}"
            time.sleep(0.05)

    def end(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout
