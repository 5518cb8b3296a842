"""Fixtures for all tests; what they are made of is in `support.py`."""

from __future__ import annotations

import compileall
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support import RunningRuntime, server_folder

from runtime.data_dir import DataDir
from runtime.sandbox import inside

# Tests start hundreds of processes. Where the environment has no compiled modules kept, each of
# them would compile all of its libraries first, which takes longer than most tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Fork servers keep none by themselves.
compileall.compile_dir(Path(inside.__file__).parent, quiet=2)

# A shell that runs the tests in the background has them, and all they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says more of what else the machine does than of our code.
settings.register_profile("loopai", deadline=None)
settings.load_profile("loopai")


@pytest.fixture
def served_dir(tmp_path) -> DataDir:
    """A data directory with one task and its promoted program, nothing running yet."""
    return server_folder(tmp_path)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Iterator[RunningRuntime]:
    """A runtime that serves one task, shared by the tests of a module that leave it as it is."""
    with RunningRuntime(server_folder(tmp_path_factory.mktemp("served"))) as running:
        yield running
