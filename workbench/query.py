"""SQL over the log and the examples (DuckDB). Reads only, and only below the data directory.

What is encrypted is handed to DuckDB in Arrow batches; nothing of it is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from workbench.sealed_log import SealedExecutions, sealed_files

EXECUTION_COLUMNS = {
    "v": "INTEGER",
    "execution_id": "VARCHAR",
    "task_id": "VARCHAR",
    "program_version": "INTEGER",
    "input": "JSON",
    "output": "JSON",
    "status": "VARCHAR",
    "error": "JSON",
    "confidence": "DOUBLE",
    "latency_ms": "DOUBLE",
    "timestamp": "TIMESTAMP",
}
EXAMPLE_COLUMNS = {"input": "JSON", "output": "JSON"}
VIEWS = ("executions", "examples")
SEALED = "sealed_executions"
_TYPED = ", ".join(
    f"TRY_CAST({name} AS {kind}) AS {name}" for name, kind in EXECUTION_COLUMNS.items()
)
_SEALED_VIEW = f"SELECT task, {_TYPED} FROM {SEALED} WHERE input IS NOT NULL"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names and rows of plain Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(
    data_dir: DataDir,
    sql: str,
    limit: int | None = None,
    *,
    guard: Callable[[Callable[[], None]], AbstractContextManager[None]] = lambda stop: (
        nullcontext()
    ),
) -> Answer:
    """Run one SELECT over the views `executions` and `examples`, at most `limit` rows.

    Both have a column `task`; `input` and `output` are JSON, so `input->>'text'` works.
    `guard(stop)` is entered while the query runs; another thread ends the query with `stop()`.
    Raises InvalidInputError with DuckDB's reason for anything else.
    """
    with duckdb.connect(":memory:") as connection:
        sealed = _sealed(data_dir)
        if sealed is not None:
            connection.register(SEALED, sealed)
        for view, statement in _views(data_dir, with_sealed=sealed is not None).items():
            connection.execute(f"CREATE VIEW {view} AS {statement}")
        folders = [str(data_dir.root / "datasets"), str(data_dir.tasks)]
        connection.execute(f"SET allowed_directories = [{', '.join(map(_quoted, folders))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InvalidInputError(
                    Problem("only one SELECT is run here.", remedy="The log is never written.")
                )
            with guard(connection.interrupt):
                cursor = connection.execute(statements[0])
                rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
            return Answer([column[0] for column in cursor.description or ()], rows)
        except duckdb.Error as error:
            raise InvalidInputError(
                Problem(
                    f"the query cannot be run: {error}",
                    remedy=f"Views: {', '.join(VIEWS)}; columns: task, "
                    f"{', '.join(EXECUTION_COLUMNS)}.",
                )
            ) from None


def _sealed(data_dir: DataDir) -> SealedExecutions | None:
    folders = sorted((data_dir.root / "datasets").glob("*/executions"))
    files = [file for folder in folders for file in sealed_files(folder)]
    try:
        return SealedExecutions(files) if files else None
    except OSError as error:
        raise InvalidInputError(Problem(f"{error.strerror}.", error.filename)) from None


def _views(data_dir: DataDir, *, with_sealed: bool) -> dict[str, str]:
    datasets, tasks = data_dir.root / "datasets", data_dir.tasks
    executions = sorted(datasets.glob("*/executions/*.jsonl*"))
    logs = [path for path in executions if path.name.endswith((".jsonl", ".jsonl.gz"))]
    if with_sealed:
        sealed = {
            file.path for folder in datasets.glob("*/executions") for file in sealed_files(folder)
        }
        logs = [path for path in logs if path not in sealed]
    examples = sorted(tasks.glob("*/examples.jsonl"))
    plain = _view(logs, datasets, EXECUTION_COLUMNS)
    return {
        "executions": f"{plain} UNION ALL {_SEALED_VIEW}" if with_sealed else plain,
        "examples": _view(examples, tasks, EXAMPLE_COLUMNS),
    }


def _view(files: list[Path], root: Path, columns: dict[str, str]) -> str:
    """A SELECT over all files, the task's name taken from the path; typed even when empty."""
    named = ", ".join(columns)
    if not files:
        nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())
        return f"SELECT NULL::VARCHAR AS task, {nulls} WHERE false"
    listed = ", ".join(_quoted(str(file)) for file in files)
    typed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    depth = len(root.parts)
    # A torn last line is no row, and no reason to fail.
    return (
        f"SELECT string_split(filename, '/')[{depth + 1}] AS task, {named} "  # noqa: S608
        f"FROM read_json([{listed}], format = 'newline_delimited', columns = {{{typed}}}, "
        "filename = true, ignore_errors = true) WHERE input IS NOT NULL"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
