"""Puts into a data directory what an image was built with: tasks, versions, configuration.

Only what is missing is added, so that what happened on a volume since stands. Several replicas may
do it at once: each thing appears whole, in one rename.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from runtime.artifacts import VERSION_FOLDER
from runtime.data_dir import DataDir, make_folder, sync_folder, write_atomic
from runtime.errors import LoopaiError, Problem

logger = logging.getLogger("loopai.seed")


def plant(seed: Path, data_dir: DataDir) -> None:
    """Add what `data_dir` lacks. Raises LoopaiError where there is no seed or no room for it."""
    source = DataDir(seed)
    if not seed.is_dir():
        raise LoopaiError(Problem("there is no such folder to start from.", seed))
    try:
        for task in source.task_names():
            for version in _versions(source.artifacts(task)):
                _copy(version, data_dir.artifacts(task) / version.name)
            link = source.active_link(task)
            if link.is_symlink():
                _link(link.readlink(), data_dir.active_link(task))
            _copy(source.task(task), data_dir.task(task))
        if source.deployment_file.exists() and not data_dir.deployment_file.exists():
            write_atomic(data_dir.deployment_file, source.deployment_file.read_bytes())
    except OSError as error:
        raise LoopaiError(
            Problem(
                f"cannot be written: {error.strerror}.",
                error.filename or data_dir.root,
                remedy="The data directory must belong to the user this runs as.",
            )
        ) from None


def _versions(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if VERSION_FOLDER.match(path.name))


def _copy(source: Path, target: Path) -> None:
    """A folder, unless one of that name is there."""
    if target.exists():
        return
    make_folder(target.parent)
    beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        shutil.copytree(source, beside, dirs_exist_ok=True, symlinks=True)
        beside.chmod(0o755)
        sync_folder(beside)
        beside.rename(target)
        sync_folder(target.parent)
        logger.info("added %s", target)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not target.is_dir():  # else another replica was first: its folder is not replaced
            raise


def _link(to: Path, target: Path) -> None:
    with suppress(FileExistsError):
        target.symlink_to(to)
        sync_folder(target.parent)
