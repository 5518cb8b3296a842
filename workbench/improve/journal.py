"""What improvement has tried, in `state/improve.db`: so that it never tries the same twice.

It holds counts and hashes, never an input: there is nothing in it to erase.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

import sqlite_utils

from runtime.clock import format_time, utc_now
from runtime.data_dir import DataDir, make_folder
from runtime.errors import InvalidInputError
from runtime.migrations import Format, bring_up_to_date

FORMAT = Format(1)


class ImproveJournal:
    """One data directory's journal; close it after use."""

    def __init__(self, data_dir: DataDir) -> None:
        make_folder(data_dir.state)
        file = data_dir.state / "improve.db"
        connection = sqlite3.connect(file)
        self._database = sqlite_utils.Database(connection)
        try:
            bring_up_to_date(connection, file, FORMAT)
        except InvalidInputError:
            self.close()
            raise
        self._database.enable_wal()
        tried = {"task": str, "key": str, "at": str}
        self._database.table("tried").create(tried, pk=("task", "key"), if_not_exists=True)
        runs = {"id": int, "task": str, "at": str, "outcome": str, "version": int, "report": str}
        self._database.table("runs").create(runs, pk="id", if_not_exists=True)

    def tried(self, task: str) -> set[str]:
        """The keys of cases that earlier runs have used."""
        rows = self._database.query("SELECT key FROM tried WHERE task = ?", [task])
        return {row["key"] for row in rows}

    def start(self, task: str, keys: Iterable[str]) -> None:
        """Note cases before they are used: a run that crashes is not repeated for ever."""
        at = format_time(utc_now())
        with self._database.conn:
            self._database.table("tried").insert_all(
                ({"task": task, "key": key, "at": at} for key in keys), ignore=True
            )

    def add_run(self, task: str, outcome: str, version: int | None, report: Any) -> None:
        """Keep what a run came to."""
        with self._database.conn:
            self._database.table("runs").insert(
                {
                    "task": task,
                    "at": format_time(utc_now()),
                    "outcome": outcome,
                    "version": version,
                    "report": json.dumps(report, ensure_ascii=False),
                }
            )

    def runs(self, task: str) -> list[dict[str, Any]]:
        """Earlier runs of a task, newest first."""
        rows = self._database.query("SELECT * FROM runs WHERE task = ? ORDER BY id DESC", [task])
        return [{**row, "report": json.loads(row["report"])} for row in rows]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> ImproveJournal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
