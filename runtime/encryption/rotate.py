"""Brings all that is kept under the current key: log files, figures, values in the database.

Killed anywhere, all can still be read while the old keys are configured, and the same command goes
on. What a writer has open is left to it and said so. It deletes nothing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runtime.data_dir import DataDir, open_atomic
from runtime.datasets.log_files import QUARANTINE
from runtime.encryption.archive import compressing, key_id_of_archive, open_compressed
from runtime.encryption.keys import SealError, keyring_of
from runtime.encryption.lines import HEAD, MARK, PREFIX
from runtime.encryption.values import read_document, write_document
from runtime.errors import LoopaiError, Problem
from runtime.retention.compress import CHUNK, compress_log_file
from runtime.retention.inventory import KINDS, log_folder, task_folders
from runtime.retention.run import retention_lock
from runtime.steward.lock import hold_lock
from runtime.steward.state import Connection, State, state_file

#: Columns that hold what callers sent or were answered: table, column.
SEALED_COLUMNS = (
    ("samples", "input"),
    ("samples", "output"),
    ("samples", "error"),
    ("labels", "output"),
    ("sampler_states", "state"),
    ("day_sums", "sums"),
    ("drift_hours", "sketch"),
    ("outbox_rows", "body"),
    ("outbox_batches", "payload"),
)
PLAIN = "plain"
#: Encrypted lines that a crash tore: no key opens them.
TORN = "torn"
ROWS = 500

Progress = Callable[[str], None]


@dataclass
class Standing:
    """How much is kept under which key, by the key's id; `plain` is under none."""

    key: str | None
    files: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether all of it is as it would be written now."""
        return {*self.files, *self.values} <= {self.key or PLAIN, TORN}

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "done": self.done}


@dataclass
class Rotated:
    """What was written anew, and what could not be and why."""

    files: int = 0
    values: int = 0
    left: list[str] = field(default_factory=list)


def standing(data_dir: DataDir) -> Standing:
    """Look at everything that is or could be encrypted. Raises LoopaiError, OSError."""
    key = keyring_of(data_dir.root, look=True).current
    found = Standing(None if key is None else key.id.hex())
    for file in _files(data_dir):
        _add(found.files, _key_of_file(file))
    if state_file(data_dir).exists():
        with State(state_file(data_dir)) as state, state.snapshot() as connection:
            for table, column in _columns(connection):
                rows = connection.execute(f"SELECT {column} FROM {table}")  # noqa: S608
                for row in rows:
                    _add(found.values, _key_of(row[0]))
    return found


def rotate(data_dir: DataDir, progress: Progress = lambda text: None) -> Rotated:
    """Write anew what is not under the current key. Raises LoopaiError without one."""
    key = keyring_of(data_dir.root, look=True).current
    if key is None:
        raise LoopaiError(
            Problem(
                "no encryption key is configured.",
                data_dir.deployment_file,
                field="encryption.key",
                remedy="Name one first: encryption: {key: {file: /etc/loopai/log.key}}.",
            )
        )
    done = Rotated()
    with hold_lock(retention_lock(data_dir), "retention, erasure or rotation is under way."):
        for file in _files(data_dir):
            if _key_of_file(file) in (key.id.hex(), TORN):
                continue
            name = str(file.relative_to(data_dir.root))
            progress(name)
            if file.name.endswith(QUARANTINE):
                done.left.append(f"{name}: torn lines from before; remove it when they may go")
                continue
            try:
                taken = _write_anew(file)
            except OSError as error:
                done.left.append(f"{name}: {error.strerror or error}")
                continue
            if taken:
                done.files += 1
            else:
                done.left.append(f"{name}: a writer has it open; reload the runtime (SIGHUP)")
        if state_file(data_dir).exists():
            progress(state_file(data_dir).name)
            with State(state_file(data_dir)) as state:
                done.values = _rotate_values(state, done.left)
    return done


def _files(data_dir: DataDir) -> Iterator[Path]:
    """Log files with what was set aside of them, and figures; empty ones hold nothing."""
    for task in task_folders(data_dir):
        folders = [log_folder(data_dir, task, kind) for kind, _ in KINDS]
        for folder in (*folders, data_dir.analytics(task)):
            for path in sorted(folder.glob("[!.]*")) if folder.is_dir() else ():
                known = (".jsonl", ".jsonl.gz", ".json", QUARANTINE)
                if path.name.endswith(known) and path.stat().st_size:
                    yield path


def _key_of_file(path: Path) -> str:
    if path.suffix == ".gz":
        identity = key_id_of_archive(path)
        return PLAIN if identity is None else identity.hex()
    if path.name.endswith(QUARANTINE):
        lines = path.read_bytes().splitlines()
        return next((PLAIN for line in lines if line and not line.startswith(MARK)), TORN)
    with path.open("rb") as file:
        return _key_of(file.read(HEAD))


def _key_of(value: bytes | str) -> str:
    begins = (value.encode() if isinstance(value, str) else value)[:HEAD]
    return a2b_base64(begins[len(PREFIX) :]).hex() if begins.startswith(MARK) else PLAIN


def _add(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _write_anew(path: Path) -> bool:
    """Whether it could be had to itself. Raises OSError; the file is then as it was."""
    if path.suffix == ".json":
        write_document(path, read_document(path))
        return True
    if path.suffix != ".gz":
        return compress_log_file(path) is not None
    mode = path.stat().st_mode & 0o777
    try:
        with open_atomic(path, private=True) as target:
            with open_compressed(path) as content, compressing(target, path) as packed:
                shutil.copyfileobj(content, packed, CHUNK)
            os.fchmod(target.fileno(), mode)
    except (EOFError, zlib.error) as error:
        raise OSError(f"is damaged: {error}") from None
    return True


def _columns(connection: Connection) -> Iterator[tuple[str, str]]:
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return ((table, column) for table, column in SEALED_COLUMNS if table in there)


def _rotate_values(state: State, left: list[str]) -> int:
    connection = state.connection
    # What is overwritten is wiped, so that nothing can be read out of the file.
    connection.execute("PRAGMA secure_delete = ON")
    count = 0
    for table, column in list(_columns(connection)):
        info = connection.execute(f"PRAGMA table_info({table})").fetchall()
        where = " AND ".join(f"{row['name']} = ?" for row in info if row["pk"])
        names = ", ".join(row["name"] for row in info if row["pk"])
        rows = connection.execute(f"SELECT {names}, {column} FROM {table}")  # noqa: S608
        old = [tuple(row)[:-1] for row in rows if not connection.values.is_current(row[-1])]
        for start in range(0, len(old), ROWS):
            with state.transaction():
                for key in old[start : start + ROWS]:
                    try:
                        count += _rotate_value(connection, table, column, where, key)
                    except SealError as error:
                        left.append(f"{table}.{column}: {error.strerror}")
    if count:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")  # pages that were freed before may hold plain text
        except sqlite3.OperationalError as error:
            left.append(f"{state.path.name}: {error}; do this again when the runtime rests")
    return count


def _rotate_value(
    connection: Connection, table: str, column: str, where: str, key: tuple[Any, ...]
) -> int:
    place = f"{table}.{column}"
    row = connection.execute(
        f"SELECT {column} FROM {table} WHERE {where}",  # noqa: S608 - names of this module
        key,
    ).fetchone()
    if row is None or connection.values.is_current(row[0]):
        return 0  # settled or written anew meanwhile
    values = connection.values
    opened = values.open_bytes(row[0].encode() if isinstance(row[0], str) else row[0], place)
    sealed = values.seal_bytes(opened, place)
    connection.execute(
        f"UPDATE {table} SET {column} = ? WHERE {where}",  # noqa: S608
        (sealed.decode() if isinstance(row[0], str) else sealed, *key),
    )
    return 1
