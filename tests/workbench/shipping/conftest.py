"""The image's build context and its base, made once for all tests that build it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from root_file_system import debian as make_debian
from support import TASK, clean_environment, server_folder


@pytest.fixture(scope="session")
def context(tmp_path_factory) -> Path:
    """What `loopai image context` writes for a box with one task."""
    folder = tmp_path_factory.mktemp("image")
    data_dir = server_folder(folder)
    command = [sys.executable, "-m", "workbench", "image", "context", str(folder / "context")]
    command += ["--task", TASK, "--data-dir", str(data_dir.root)]
    subprocess.run(command, check=True, capture_output=True, env=clean_environment())
    return folder / "context"


@pytest.fixture(scope="session")
def debian(tmp_path_factory) -> Path:
    """The folder of a Debian that stands for the Dockerfile's base image."""
    if os.geteuid() or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    folder = tmp_path_factory.mktemp("debian") / "root"  # which everybody may enter
    make_debian(folder)
    return folder
