"""Built packages and fresh environments for the tests that install them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import clean_environment

ROOT = Path(__file__).parents[3]


def interpreter(version: str) -> str:
    """A Python of this version on this machine; skips the test where there is none."""
    found = [
        shutil.which(f"python{version}"),
        f"/usr/bin/python{version}",
        *Path.home().glob(f".pyenv/versions/{version}.*/bin/python"),
    ]
    for candidate in filter(None, found):
        try:
            done = subprocess.run(
                [candidate, "-c", "import ensurepip, sys; print(*sys.version_info[:2], sep='.')"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == version:
            return str(candidate)
    pytest.skip(f"there is no Python {version} with ensurepip on this machine")


def build(folder: Path, source: Path = ROOT, *targets: str) -> None:
    """Build packages from a source tree into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    for target in targets:
        command += ["-t", target]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


@dataclass(frozen=True)
class Installation:
    """A virtual environment that knows nothing of the checkout."""

    folder: Path

    def run(
        self,
        *command: Any,
        code: int = 0,
        under: tuple[str, ...] = (),
        cwd: Path | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs; fails unless it ends with `code`."""
        program, *arguments = map(str, command)
        done = subprocess.run(
            [*under, str(self.folder / "bin" / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or self.folder,
            env={**clean_environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
            timeout=400,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def own_bytes(self) -> int:
        """What was installed takes, compiled files too, without the installer itself."""
        packages = next(self.folder.glob("lib/python3.*/site-packages"))
        total = 0
        for folder, _, names in os.walk(packages):
            part = Path(folder).relative_to(packages).parts[:1]
            if part and part[0].split("-")[0] in ("pip", "setuptools", "pkg_resources", "wheel"):
                continue
            total += sum((Path(folder) / name).stat().st_size for name in names)
        return total


def fresh(folder: Path, version: str, *requirements: Any, with_pip: bool = False) -> Installation:
    """A new environment of a Python, with what was asked for, compiled, in it.

    Made by uv where that is installed, as it takes seconds; with its own pip by that.
    """
    made = Installation(folder)
    python = interpreter(version)
    if with_pip or not shutil.which("uv"):
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        if requirements:
            made.run("pip", "install", "-q", *requirements)
        return made
    subprocess.run(["uv", "venv", "-q", "--python", python, str(folder)], check=True)
    target = ["--python", str(folder / "bin/python"), "--compile-bytecode"]
    install = ["uv", "pip", "install", "-q", *target, *map(str, requirements)]
    subprocess.run(install, check=True, cwd=folder)
    return made
