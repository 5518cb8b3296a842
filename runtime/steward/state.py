"""`state/steward.db`: what the steward knows and must not lose. Short transactions, one at a time.

SQLite with a write-ahead log, so readers never wait for the writer. Plain `sqlite3`: an edge box
needs no more. A transaction survives kill -9; a power cut may take the last ones, whole, and the
log they came from is then read again from where they leave it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.data_dir import DataDir, make_folder
from runtime.encryption.values import Values
from runtime.migrations import Format, bring_up_to_date

FILE_NAME = "steward.db"
#: Tables are added as observers need them; only what changes in one of them makes a new format.
FORMAT = Format(1)
BUSY_SECONDS = 10.0


class Connection(sqlite3.Connection):
    """One that knows how values are kept that hold what callers sent."""

    values: Values


class State:
    """A connection to the database, of one thread. Any process may have one; open your own.

    Raises InvalidInputError for a file of a later release, `sqlite3.Error` when it cannot be used.
    """

    def __init__(self, path: Path, form: Format = FORMAT) -> None:
        self.path = path
        make_folder(path.parent)
        # No isolation level: `transaction` says when one begins.
        self.connection: Connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, factory=Connection
        )
        self.connection.values = Values(path.absolute().parent.parent)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        try:
            bring_up_to_date(self.connection, path, form)
        except BaseException:
            self.connection.close()
            raise

    def create(self, tables: str) -> None:
        """Run `CREATE … IF NOT EXISTS …` statements, separated by `;`, all or none."""
        with self.transaction() as connection:
            statement = ""
            for part in tables.split(";"):
                statement += part + ";"
                # A trigger holds semicolons of its own.
                if sqlite3.complete_statement(statement):
                    connection.execute(statement)
                    statement = ""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All of the block's changes, or none when it raises. Not to be nested; keep it short."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Several reads of one moment; the block must not write."""
        self.connection.execute("BEGIN")
        try:
            yield self.connection
        finally:
            self.connection.execute("ROLLBACK")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def state_file(data_dir: DataDir) -> Path:
    """Where the steward's database of a data directory is."""
    return data_dir.state / FILE_NAME


def open_state(data_dir: DataDir, tables: str = "") -> State:
    """The state of a data directory, made when it is not there, with `tables` in it."""
    state = State(state_file(data_dir))
    if tables:
        state.create(tables)
    return state
