"""The first frame, drawn before Textual is even imported, and then the app.

A person sees the app's frame at once; keys pressed meanwhile wait in the terminal for the app.
"""

from __future__ import annotations

import os
import sys
import termios

from runtime.data_dir import DataDir
from workbench.tui.places import installed_places

ALTERNATE_SCREEN, HIDE_CURSOR, HOME = "\x1b[?1049h", "\x1b[?25l", "\x1b[2J\x1b[H"
SHOW_CURSOR, MAIN_SCREEN = "\x1b[?25h", "\x1b[?1049l"


def first_frame(width: int, height: int, data_dir: DataDir) -> str:
    """The tabs, the tasks' names and the data folder, for a terminal of this size."""
    tabs = "  ".join(f"{place.key} {place.title}" for place in installed_places())
    room = max(0, height - 4)
    names = [f"   {name}" for name in data_dir.task_names()[:room]]
    lines = [f" Loopai  {tabs}", "", *names, *([""] * (room - len(names))), f" {data_dir.root}"]
    lines = [line[:width] for line in lines[: max(1, height)]]
    return ALTERNATE_SCREEN + HIDE_CURSOR + HOME + "\r\n".join(lines)


def start(data_dir: DataDir) -> None:
    """Draw the first frame, open the app, come back when it is closed.

    Raises InvalidInputError for bad settings.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, quiet)
        width, height = os.get_terminal_size(sys.stdout.fileno())
        os.write(sys.stdout.fileno(), first_frame(width, height, data_dir).encode())
        from workbench.tui.app import run_app

        run_app(data_dir)
    finally:
        # Also where the app never came to leave the screen itself.
        os.write(sys.stdout.fileno(), (SHOW_CURSOR + MAIN_SCREEN).encode())
        termios.tcsetattr(terminal, termios.TCSANOW, before)
