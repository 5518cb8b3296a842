"""Runs the pip of this Python in a process of its own; installs nothing by itself."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable

from runtime.errors import LoopaiError, Problem


def run_pip(*arguments: str, on_line: Callable[[str], None] = lambda line: None) -> None:
    """Run `pip ARGUMENTS`, each line it prints given to `on_line`. Raises LoopaiError with its
    own words where it fails."""
    if importlib.util.find_spec("pip") is None:
        raise LoopaiError(
            Problem("this Python has no pip.", remedy=f"Add it: {sys.executable} -m ensurepip")
        )
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    errors: list[str] = []
    with subprocess.Popen(
        [*command, "--progress-bar", "off", "--no-color"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ERROR: "):
                errors.append(line.removeprefix("ERROR: ").strip())
            on_line(line.rstrip())
    if process.returncode:
        told = " ".join(errors) or f"it ended with {process.returncode}"
        raise LoopaiError(Problem(f"pip could not do it: {told}"))
