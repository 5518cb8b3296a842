"""Compresses a finished log file: beside it, synced, renamed, and only then is the plain one gone.

Killed anywhere, all lines are there once for every reader: where both files stand, the plain one
counts. A file that a writer holds open is left alone.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from runtime.data_dir import open_atomic, sync_folder
from runtime.datasets.log_files import COMPRESSED
from runtime.datasets.owned_file import open_owned
from runtime.encryption.archive import compressing
from runtime.encryption.content import SealedLines
from runtime.encryption.lines import HEAD, seal_of_file

CHUNK = 1 << 20


def compress_log_file(path: Path) -> int | None:
    """Replace `path` by `path.gz`; returns its size, None while a writer has the file.

    The same content gives the same bytes. Raises OSError; the plain file is then as it was.
    """
    owned = open_owned(path, create=False)
    if owned is None:
        return None
    with os.fdopen(owned.handle, "rb") as plain:
        status = os.fstat(plain.fileno())
        target = path.with_name(path.name + COMPRESSED)
        seal = seal_of_file(path, plain.peek(HEAD)[:HEAD])
        content = plain if seal is None else SealedLines(plain, seal)
        with open_atomic(target, private=True) as file:
            with compressing(file, target) as packed:
                shutil.copyfileobj(content, packed, CHUNK)
            os.fchmod(file.fileno(), status.st_mode & 0o777)
        path.unlink()
        sync_folder(path.parent)
    return target.stat().st_size
