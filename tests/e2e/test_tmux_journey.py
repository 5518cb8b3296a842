"""A newcomer with nothing but a keyboard: an empty folder, a terminal, and in the end a program
that answers over HTTP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support import clean_environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(420),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Terminal:
    """A terminal of 100 x 32 letters in a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
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
            "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "32", "-c", str(work), "sh"
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


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.end()


def test_keys_alone_take_a_newcomer_from_an_empty_folder_to_a_served_program(terminal):
    terminal.type("loopai")
    terminal.press("Enter")
    terminal.wait_for("Welcome to Loopai")
    terminal.press("End", "Enter")  # the last sample: phone-normalisation
    terminal.wait_for("the sample phone-normalisation")
    terminal.press("Enter")
    terminal.wait_for("to synthesize")
    terminal.press("s")
    terminal.wait_for("Stored as v1", seconds=240)
    terminal.press("p")
    terminal.wait_for("serves v1")
    terminal.press("r")
    url = terminal.wait_for(r"served\s+(http://\S+:\d+)").group(1)
    phone = {"phone": "069/90009893", "country": "DE"}
    answer = httpx.post(f"{url}/execute", json={"input": phone}, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.json()["output"] == "+496990009893"
    terminal.press("3")
    terminal.wait_for("1 of 1")
    terminal.wait_for(r"success")
    terminal.press("C-q")
    terminal.wait_for(r"[$#] *\n*\Z")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/health", timeout=5)
