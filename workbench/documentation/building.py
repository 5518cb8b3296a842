"""Builds the manual as HTML with Sphinx, with no network, and keeps what was built."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from runtime.errors import LoopaiError, Problem

PAGES = Path(__file__).parent.parent / "manual"
CODE = Path(__file__).parent.parent.parent
NEEDED = ("sphinx", "myst_parser", "furo")


def build_manual(into: Path) -> Path:
    """Build into a folder and return its first page. Raises LoopaiError when it cannot be built."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise LoopaiError(
            Problem(
                f"the manual is built with Sphinx, and {', '.join(missing)} is not installed.",
                remedy="pip install 'loopai-workbench[docs]'",
            )
        )
    from workbench.documentation.reference import write_reference

    with tempfile.TemporaryDirectory(prefix="loopai-manual-") as scratch:
        source, built = Path(scratch) / "source", Path(scratch) / "html"
        shutil.copytree(PAGES, source)
        write_reference(source / "reference", version("loopai-workbench"))
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going",
             str(source), str(built)],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise LoopaiError(Problem(f"the manual cannot be built:\n{done.stderr.strip()}"))
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(into, ignore_errors=True)
        shutil.move(built, into)
    return into / "index.html"


def kept_manual() -> Path:
    """The manual of this very code, built if it was not before. Raises LoopaiError, OSError."""
    folder = _cache() / "manual" / _mark()
    first = folder / "index.html"
    return first if first.exists() else build_manual(folder)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loopai"


def _mark() -> str:
    """Changes when a page, or any module the reference is made from, does."""
    mark = hashlib.blake2b(version("loopai-workbench").encode(), digest_size=8)
    files = [path for path in PAGES.rglob("*") if path.is_file()]
    for package in ("runtime", "sync", "workbench"):
        files += (CODE / package).rglob("*.py")
    for path in sorted(files):
        stat = path.stat()
        mark.update(f"{path} {stat.st_mtime_ns} {stat.st_size}".encode())
    return mark.hexdigest()
