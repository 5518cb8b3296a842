"""How soon the app paints: `python -m tests.benchmarks.cold_start [DATA_DIR]`.

Starts `loopai` in a terminal of its own a few times; prints when the first frame had been drawn
and when the app itself had drawn the tasks, both from the start of the process.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import server_folder

RUNS = 5
SECONDS = 20
SIZE = struct.pack("HHHH", 34, 120, 0, 0)


def measure(folder: str) -> tuple[float, float]:
    """Seconds to the first frame, and to the app's own."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "workbench", "--data-dir", folder]
        os.execv(sys.executable, command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, SIZE)
    seen, first = b"", 0.0
    try:
        while time.perf_counter() - started < SECONDS:
            if not select.select([terminal], [], [], 0.05)[0]:
                continue
            seen += os.read(terminal, 65536)
            if not first and b"1 Tasks" in seen:
                first = time.perf_counter() - started
            if b"serves v1" in seen:
                return first, time.perf_counter() - started
        raise SystemExit(f"it never drew the tasks: {seen[-500:]!r}")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = sys.argv[1] if len(sys.argv) > 1 else str(server_folder(Path(folder)).root)
        for _ in range(RUNS):
            first, own = measure(made)
            print(f"first frame {first * 1000:5.0f} ms, tasks {own * 1000:5.0f} ms")


if __name__ == "__main__":
    main()
