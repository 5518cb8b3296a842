"""Runs one of our own commands as a child, tells its progress, and ends it when interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from runtime.errors import LoopaiError, Problem
from workbench.notebook.interruption import Interruption

#: How long an interrupted command may take to end by itself.
GRACE_SECONDS = 5.0


def run_child(
    arguments: Sequence[str], say: Callable[[str], None], interruption: Interruption
) -> bytes:
    """Run `loopai ARGUMENTS`; `say` gets each line of its standard error. Its standard output.

    Raises LoopaiError with what it complained of, InterruptedRunError when interrupted.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "workbench", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is for this process to hear; it decides what becomes of the child.
        start_new_session=True,
    ) as process:
        printed: list[bytes] = []
        assert process.stdout is not None and process.stderr is not None
        reader = threading.Thread(
            target=lambda out: printed.append(out.read()), args=(process.stdout,)
        )
        reader.start()
        said = ""
        try:
            with interruption.stopped_by(lambda: _stop(process)):
                for raw in process.stderr:
                    said = raw.decode(errors="replace").rstrip()
                    say(said)
                process.wait()
        finally:
            _kill(process)
            reader.join()
    interruption.check()
    if process.returncode not in (0, 1):
        raise _failure(said, process.returncode)
    return printed[0]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end it when it does not heed."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    timer = threading.Timer(GRACE_SECONDS, _kill, [process])
    timer.daemon = True
    timer.start()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and all it started; harmless when it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _failure(said: str, code: int) -> LoopaiError:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return LoopaiError([Problem(**problem) for problem in json.loads(said)["problems"]])
    return LoopaiError(said.removeprefix("error: ") or f"it ended with {code} and said nothing.")
