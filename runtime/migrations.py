"""SQLite files carry the version of their format; an older one is copied and brought up to date.

The version is `PRAGMA user_version`. A new format is a number one higher and a step that leads to
it from the one before: write the step, keep those before it, and add a file of the format before
to tests/formats. A step only changes its own connection; it never opens another.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runtime.data_dir import sync_folder
from runtime.format_version import newer

#: Takes a database from the format one lower; runs in a transaction that is not its own.
Step = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Format:
    """The format of one kind of database: what this release writes, and the steps up to it."""

    version: int = 1
    steps: Mapping[int, Step] = field(default_factory=dict)


def bring_up_to_date(connection: sqlite3.Connection, path: Path, target: Format) -> None:
    """Take an open database to `target`, a copy of it put beside it first; a new one is marked.

    All steps in one transaction, or none. Several processes may do it at once. Raises
    InvalidInputError for a file of a later release, `sqlite3.Error`.
    """
    found = _version(connection)
    if found == target.version:
        return
    if found > target.version:
        raise newer(path, found, target.version)
    if not _is_empty(connection) and target.steps:
        copy_database(connection, backup_file(path, found))
    isolation = connection.isolation_level
    connection.isolation_level = None
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been first while this one waited.
            for version in range(_version(connection) + 1, target.version + 1):
                if version in target.steps:
                    target.steps[version](connection)
                connection.execute(f"PRAGMA user_version = {version}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    finally:
        connection.isolation_level = isolation


def backup_file(path: Path, version: int) -> Path:
    """Where a database of an older format is kept as it was."""
    return path.with_name(f"{path.name}.format-{version}.bak")


def copy_database(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a database while it may be in use; a copy that is there already stays."""
    if target.exists():
        return
    # Several processes may be at it, each with a copy of its own. The first stays: it was whole
    # before anyone took a step, which a later one may not have been.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        with closing(sqlite3.connect(name)) as copy:
            connection.backup(copy)
        with suppress(FileExistsError):
            target.hardlink_to(name)
    finally:
        Path(name).unlink()
    sync_folder(target.parent)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
