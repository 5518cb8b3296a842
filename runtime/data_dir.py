"""Every path of the data directory in one place, and the one way to write a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO

from runtime.errors import InvalidInputError, Problem
from runtime.slug import check_slug

DEFAULT_DATA_DIR = "loopai-data"
ENVIRONMENT_VARIABLE = "LOOPAI_DATA_DIR"


class DataDir:
    """Names the files of one data root; creates nothing until something is written."""

    def __init__(self, root: Path | str | None = None) -> None:
        chosen = root or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_DATA_DIR
        self.root = Path(chosen).expanduser().absolute()

    def __repr__(self) -> str:
        return f"DataDir({str(self.root)!r})"

    @property
    def deployment_file(self) -> Path:
        return self.root / "config" / "deployment.yaml"

    @property
    def tasks(self) -> Path:
        return self.root / "tasks"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def keys_file(self) -> Path:
        return self.state / "keys.json"

    def task(self, name: str) -> Path:
        return self.tasks / checked_slug(name)

    def task_file(self, name: str) -> Path:
        return self.task(name) / "task.yaml"

    def examples_file(self, name: str) -> Path:
        return self.task(name) / "examples.jsonl"

    def artifacts(self, name: str) -> Path:
        return self.root / "artifacts" / checked_slug(name)

    def artifact(self, name: str, version: int) -> Path:
        return self.artifacts(name) / f"v{version}"

    def active_link(self, name: str) -> Path:
        return self.artifacts(name) / "active"

    def rollout_file(self, name: str) -> Path:
        return self.artifacts(name) / "rollout.json"

    def executions(self, name: str) -> Path:
        return self.root / "datasets" / checked_slug(name) / "executions"

    def validations(self, name: str) -> Path:
        return self.root / "datasets" / checked_slug(name) / "validations"

    def analytics(self, name: str) -> Path:
        return self.root / "datasets" / checked_slug(name) / "analytics"

    def daily_stats_file(self, name: str, day: date) -> Path:
        return self.analytics(name) / f"daily-stats-{day.isoformat()}.json"

    def task_names(self) -> list[str]:
        """The slugs of all tasks that have a `task.yaml`, sorted."""
        return sorted(path.parent.name for path in self.tasks.glob("*/task.yaml"))


def checked_slug(name: str) -> str:
    """`name` when it is a slug, else InvalidInputError: keeps `..` out of every path."""
    try:
        return check_slug(name)
    except ValueError as error:
        raise InvalidInputError(Problem(f"the task name {error}.")) from None


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, *, sync: bool = True) -> None:
    """Make `folder` and those above it where they are not there, to survive a power cut.

    Raises OSError.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if sync:
        for made in reversed(missing):
            sync_folder(made.parent)


@contextmanager
def open_atomic(path: Path, *, private: bool = False, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place only when the block ends well.

    A `private` file can be read by its owner only. One that is not `durable` is whole too, but
    a power cut may bring back the one before it: for what is written every second.
    Raises OSError when the folder cannot be written; `path` is then as it was.
    """
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if not private:
            # mkstemp makes the file private; give it what an ordinary open() would have.
            Path(temporary).chmod(0o666 & ~_current_umask())
        Path(temporary).replace(path)
        if durable:
            sync_folder(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomic(
    path: Path, content: bytes | str, *, private: bool = False, durable: bool = True
) -> None:
    """Write `content` to `path` whole or not at all (write beside, fsync, rename)."""
    with open_atomic(path, private=private, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _current_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
