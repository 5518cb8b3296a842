"""The journal's tables, and how those of an older release get the columns they lack."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from runtime.migrations import Format

TABLES: Mapping[str, Mapping[str, type]] = {
    "runs": {
        "id": int,
        "task": str,
        "task_hash": str,
        "at": str,
        "seed": int,
        "examples": int,
        "seconds": float,
        "version": int,
        "explanation": str,
        "state": str,
        "model": str,
        "model_digest": str,
        "settings": str,
        "specification": str,
        "calls": int,
        "prompt_tokens": int,
        "answer_tokens": int,
        "program_sha256": str,
        "made_by": str,
    },
    "calls": {
        "run": int,
        "number": int,
        "stage": str,
        "request": str,
        "digest": str,
        "answer": str,
        "complete": int,
        "failure": str,
        "reason": str,
        "prompt_tokens": int,
        "answer_tokens": int,
        "seconds": float,
        "at": str,
    },
    "attempts": {
        "run": int,
        "number": int,
        "stage": str,
        "call": int,
        "verdict": str,
        "reason": str,
        "score": float,
        "examples": int,
        "bytes": int,
        "source": str,
        "at": str,
    },
    "candidates": {
        "run": int,
        "strategy": str,
        "label": str,
        "accuracy": float,
        "low": float,
        "high": float,
        "p50_ms": float,
        "p99_ms": float,
        "bytes": int,
        "seconds": float,
        "source": str,
    },
    "specifications": {"digest": str, "document": bytes},
}
KEYS: Mapping[str, Any] = {
    "runs": "id",
    "calls": ("run", "number"),
    "attempts": ("run", "number"),
    "candidates": None,
    "specifications": "digest",
}


#: In `calls.failure`: no call could be made, and the run asked no more.
STOPPED = "stopped"

TYPES = {int: "INTEGER", float: "FLOAT", str: "TEXT", bytes: "BLOB"}


def _complete(connection: sqlite3.Connection) -> None:
    """Make the tables, or add the columns that an older format did not have."""
    for name, columns in TABLES.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        if not present:
            key = (KEYS[name],) if isinstance(KEYS[name], str) else KEYS[name]
            parts = [f"[{column}] {TYPES[kind]}" for column, kind in columns.items()]
            parts += [f"PRIMARY KEY ({', '.join(key)})"] if key else []
            connection.execute(f"CREATE TABLE {name} ({', '.join(parts)})")
            continue
        for column in columns.keys() - present:
            connection.execute(f"ALTER TABLE {name} ADD COLUMN [{column}] {TYPES[columns[column]]}")


#: Format 0 is what releases wrote before formats had numbers. A new column makes a new format,
#: reached by the same step.
FORMAT = Format(1, {1: _complete})
