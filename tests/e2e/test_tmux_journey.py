"""A newcomer with nothing but a keyboard: an empty folder, a terminal, and in the end a program
that answers over HTTP."""

from __future__ import annotations

import shutil

import httpx
import pytest
from terminal import Terminal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(420),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


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
