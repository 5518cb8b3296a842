"""`state/validation.json`: how validation is, rewritten every few seconds while it runs.

Read by `loopai-runtime status` and `/metrics`; it says nothing that the database does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from runtime.clock import format_time
from runtime.data_dir import DataDir, write_atomic
from runtime.models import FORMAT_VERSION
from runtime.steward.state import State
from runtime.validation import queue


def standing_file(data_dir: DataDir) -> Path:
    """Where it stands."""
    return data_dir.state / "validation.json"


def write_standing(
    data_dir: DataDir, state: State, problems: Mapping[str, Sequence[str]], moment: datetime
) -> None:
    """Of each task: samples that wait, what is wrong, and today's calls by oracle. Raises OSError
    and `sqlite3.Error`."""
    rows = state.connection.execute(
        "SELECT task, count(*) FROM samples WHERE state = 'waiting' GROUP BY task"
    )
    waiting = {row[0]: row[1] for row in rows}
    called = queue.oracles_of_day(state.connection, moment)
    tasks = {
        task: {
            "waiting": waiting.get(task, 0),
            "problems": list(problems.get(task, ())),
            "oracles_today": called.get(task, {}),
        }
        for task in sorted({*waiting, *problems, *called})
    }
    standing = {"v": FORMAT_VERSION, "at": format_time(moment), "tasks": tasks}
    write_atomic(standing_file(data_dir), msgspec.json.encode(standing), durable=False)


def read_standing(data_dir: DataDir) -> dict[str, dict[str, Any]]:
    """By task; empty where validation never ran or the file is of another release."""
    try:
        standing = msgspec.json.decode(standing_file(data_dir).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(standing, dict) or standing.get("v") != FORMAT_VERSION:
        return {}
    tasks: dict[str, dict[str, Any]] = standing["tasks"]
    return tasks
