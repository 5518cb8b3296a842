"""`state/audit.jsonl`: who had records handed out or erased, when, and how many. Append only.

It keeps no value of a record, and of a condition only a hash.
"""

from __future__ import annotations

import getpass
import os
from datetime import datetime
from typing import Any

import msgspec

from runtime.clock import format_time
from runtime.data_dir import DataDir, make_folder
from runtime.models import FORMAT_VERSION


def append_audit(data_dir: DataDir, action: str, moment: datetime, **details: Any) -> None:
    """Append one entry, on the disk when this returns. Raises OSError."""
    make_folder(data_dir.state)
    entry = {
        "v": FORMAT_VERSION,
        "at": format_time(moment),
        "action": action,
        "by": _user(),
        **details,
    }
    path = data_dir.state / "audit.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.write(handle, msgspec.json.encode(entry) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read_audit(data_dir: DataDir) -> list[dict[str, Any]]:
    """All entries, oldest first; a torn last one is left out."""
    try:
        lines = (data_dir.state / "audit.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line) for line in lines if line]


def has_unfinished_erasure(data_dir: DataDir, task: str) -> bool:
    """Whether an erasure in a task was begun and never done: it was killed, or failed."""
    open_ones = 0
    for entry in read_audit(data_dir):
        if entry.get("task") == task and entry["action"] == "erasure begun":
            open_ones = 1
        elif entry.get("task") == task and entry["action"] == "erasure done":
            open_ones = 0
    return bool(open_ones)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
