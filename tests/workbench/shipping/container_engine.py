"""Podman, a container engine that needs no service, and Compose on top of it, for the tests.

Its images and containers lie in a folder of the test's own.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

#: runc knows the older control groups too; a limit may not be raised beyond the test's own.
CONTAINERS = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]
"""
STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
BASE = "docker.io/library/debian:bookworm-slim"


class Engine:
    """Runs `podman` and `podman-compose`; every answer is what they print."""

    def __init__(self, folder: Path) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        (folder / "containers.conf").write_text(CONTAINERS.format(files=files))
        (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
            "HOME": str(folder),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            # A build in a chroot needs no rights that a test machine may not have.
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *command: str, cwd: Path | None = None, code: int = 0) -> str:
        """What a command prints; it must end with this exit code."""
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, env=self._environment, timeout=600
        )
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def has_image(self, debian: Path) -> None:
        """Take a folder as the base image. Skips the test where this machine runs no container."""
        path = self._environment["PATH"]
        if not all(shutil.which(name, path=path) for name in ("podman", "runc")):
            pytest.skip("needs podman and runc")
        packed = debian.with_suffix(".tar")
        subprocess.run(["tar", "-C", str(debian), "-cf", str(packed), "."], check=True)
        self.run("podman", "import", str(packed), BASE)
        packed.unlink()
        tried = subprocess.run(
            ["podman", "run", "--rm", BASE, "true"],
            capture_output=True, text=True, env=self._environment,
        )  # fmt: skip
        if tried.returncode:
            pytest.skip(f"this machine runs no container: {tried.stderr.strip()[-200:]}")

    def until(self, *command: str, code: int = 0, seconds: float = 60) -> str:
        """Run a command again and again until it ends well."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.run(*command, code=code)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
