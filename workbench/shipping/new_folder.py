"""A folder that appears whole, in one rename, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.data_dir import make_folder, sync_folder
from runtime.errors import InvalidInputError, Problem


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give the block a folder to fill, which becomes `folder` when the block ends well.

    Raises InvalidInputError where something is there already, and OSError.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInputError(Problem("is not an empty folder.", folder, remedy="Name another."))
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        yield made
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
        sync_folder(folder.parent)
