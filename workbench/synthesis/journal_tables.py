"""The journal's tables, and how those of an older release get the columns they lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlite_utils

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


def bring_up_to_date(database: sqlite_utils.Database) -> None:
    """Make the tables, or add the columns that an older release did not have."""
    names = set(database.table_names())
    for name, columns in TABLES.items():
        if name not in names:
            database.table(name).create(dict(columns), pk=KEYS[name], if_not_exists=True)
            continue
        present = database.table(name).columns_dict
        for column, kind in columns.items():
            if column not in present:
                database.table(name).add_column(column, kind)
