"""A hub in a folder of its own, copied while it runs, and a hub made of such a copy.

The copy's database is an SQLite file whatever the hub's is, so a hub can move between the two. It
is whole or not there, and never newer in one part than another needs: see `back_up`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, func, insert, select, text

from runtime.data_dir import sync_folder
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError, Problem
from sync.hub import tables
from sync.hub.parts import make_parts
from sync.hub.store import FILE_NAME, Store
from sync.hub.tenant_root import TENANTS
from sync.own_key import KEY_FILE, STATEMENTS_FILE

ROWS_AT_ONCE = 200
#: Written anew by whoever needs them, or of one process only.
LEFT_OUT = (".lock", "-wal", "-shm", "-journal")

Tell = Callable[[str], None]


def back_up(folder: Path, database: str | None, target: Path, tell: Tell) -> None:
    """Copy a hub to `target`, which must not be there. Raises LoopaiError.

    First how far the logs of what the hub executes are read, then the database, then the logs: a
    line that the database lacks is read again, and one it has is counted once.
    """
    if target.exists():
        raise InvalidInputError(Problem("it is there already.", target))
    if database is None and not (folder / FILE_NAME).exists():
        raise NotFoundError(
            Problem("there is no hub database.", folder, remedy="Name it with --folder.")
        )
    beside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True, mode=0o700)
    try:
        roots = folder / TENANTS
        for file in sorted(roots.glob("*/state/*.db")):
            _copy_sqlite(file, beside / file.relative_to(folder))
        tell("the database")
        if database is None:
            _copy_sqlite(folder / FILE_NAME, beside / FILE_NAME)
        else:
            _copy_rows_between(database, f"sqlite:///{beside / FILE_NAME}", tell)
        for name in (KEY_FILE, STATEMENTS_FILE):
            _copy_file(folder / name, beside / name)
        if roots.exists():
            tell("what the hub executes")
            _copy_tree(roots, beside / TENANTS)
        _sync_all(beside)
        beside.rename(target)
        sync_folder(target.parent)
    except sqlite3.Error as error:
        raise LoopaiError(Problem(f"the database cannot be copied: {error}.", folder)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def restore(source: Path, folder: Path, database: str | None, tell: Tell) -> None:
    """Make a hub of a copy, where none is. Raises LoopaiError."""
    copied = source / FILE_NAME
    if not copied.exists() or not (source / KEY_FILE).exists():
        raise NotFoundError(Problem("there is no backup of a hub.", source))
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInputError(
            Problem(
                "there is something in the folder already.", folder,
                remedy="Name another with --folder, or move it away first.",
            )
        )  # fmt: skip
    _check(copied)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    try:
        tell("the files")
        for name in (KEY_FILE, STATEMENTS_FILE):
            _copy_file(source / name, beside / name)
        if (source / TENANTS).exists():
            shutil.copytree(source / TENANTS, beside / TENANTS, symlinks=True)
        tell("the database")
        if database is None:
            _copy_sqlite(copied, beside / FILE_NAME)
        else:
            _copy_rows_between(f"sqlite:///{copied}", database, tell)
        _sync_all(beside)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _copy_rows_between(source: str, target: str, tell: Tell) -> None:
    """All rows of one database into another that has none, as of one moment, all or none."""
    old, new = Store(source), Store(target)
    try:
        with old.read() as reading, new.write() as writing:
            if old.engine.dialect.name == "postgresql":
                reading.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            for table in tables.metadata.sorted_tables:
                if table is not tables.facts and writing.execute(select(table).limit(1)).first():
                    raise InvalidInputError(
                        Problem(f"the database {new.shown_url} holds a hub already.")
                    )
            if new.url is not None:
                days = reading.execute(select(tables.executions.c.day).distinct()).scalars().all()
                make_parts(writing, days, by_day=False)
            for table in tables.metadata.sorted_tables:
                if table is tables.facts:
                    continue
                tell(f"  {table.name}")
                rows = reading.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
                for some in rows.mappings().partitions():
                    writing.execute(insert(table), [dict(row) for row in some])
            _count_on(new, writing)
    finally:
        old.close()
        new.close()


def _count_on(store: Store, connection: Connection) -> None:
    """Have numbers that PostgreSQL makes go on after those that are there."""
    if store.engine.dialect.name != "postgresql":
        return
    for table in tables.metadata.sorted_tables:
        for column in table.primary_key:
            if column.autoincrement is True:
                last = connection.execute(select(func.max(column))).scalar()
                name = func.pg_get_serial_sequence(table.name, column.name)
                if last is not None:
                    connection.execute(select(func.setval(name, last)))


def _copy_sqlite(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=1000)
    _check(target)


def _check(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as database:
            found = database.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise LoopaiError(Problem(f"the database is damaged: {found}.", file))


def _copy_tree(source: Path, target: Path) -> None:
    """Files that grow or go meanwhile are taken as far as they are there."""
    for file in sorted(source.rglob("*")):
        copy = target / file.relative_to(source)
        if file.is_symlink():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(file.readlink())
        elif file.is_file() and not copy.exists() and not file.name.endswith(LEFT_OUT):
            copy.parent.mkdir(parents=True, exist_ok=True)
            _copy_file(file, copy)


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copy2(source, target)  # with its mode: a private key stays private
    except FileNotFoundError:
        target.unlink(missing_ok=True)


def _sync_all(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        elif file.is_dir():
            sync_folder(file)
    sync_folder(folder)
