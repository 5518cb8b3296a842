"""One part's results as a Parquet file, its counts in the footer: whole, or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
import msgspec
from fsspec.core import url_to_fs

from runtime.data_dir import write_atomic
from runtime.sandbox import Result
from workbench.replay.parts import Part
from workbench.replay.rows import NOTHING, Row

SUMMARY_KEY = b"loopai.summary"
SUMMARY_FILE = "summary.json"
#: Of evaluations, a row for each candidate.
RANKING_FILE = "ranking.parquet"
#: Of failures, a row for each group and slice.
GROUPS_FILE = "groups.parquet"
#: How names of what is written to an output folder begin.
OURS = ("part-", SUMMARY_FILE, RANKING_FILE, GROUPS_FILE)
ROWS_AT_ONCE = 4_000
COLUMNS = (
    ("source", "string"), ("place", "int64"), ("program", "string"), ("input", "string"),
    ("recorded", "string"), ("output", "string"), ("status", "string"), ("error", "string"),
    ("confidence", "double"), ("latency_ms", "double"), ("same", "bool"),
)  # fmt: skip


class PartFile:
    """A Parquet file of one part with these columns. Written to a file beside, and renamed (or
    uploaded in one piece) when it is whole."""

    def __init__(
        self, folder: str, part: int, identity: str, columns: Sequence[tuple[str, str]]
    ) -> None:
        import pyarrow
        import pyarrow.parquet

        self._url = _file(folder, part, identity)
        self._storage, self._path = url_to_fs(self._url)
        self._local = "file" in self._storage.protocol
        if self._local:
            self._storage.makedirs(os.path.dirname(self._path), exist_ok=True)  # noqa: PTH120
        where = Path(self._path).parent if self._local else None
        self._beside = tempfile.NamedTemporaryFile(  # noqa: SIM115
            dir=where, prefix=".part-", suffix=".tmp", delete=False
        )
        self._schema = pyarrow.schema(
            [(name, pyarrow.type_for_alias(kind)) for name, kind in columns]
        )
        self._writer = pyarrow.parquet.ParquetWriter(
            self._beside.name, self._schema, compression="zstd"
        )
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def finish(self, summary: dict[str, Any]) -> None:
        """Put the file where it belongs. Raises OSError."""
        self._flush()
        self._writer.add_key_value_metadata({SUMMARY_KEY: msgspec.json.encode(summary)})
        self._writer.close()
        if self._local:
            os.fsync(self._beside.fileno())
            self._beside.close()
            Path(self._beside.name).replace(self._path)
        else:
            self._beside.close()
            self._storage.put_file(self._beside.name, self._path)
            Path(self._beside.name).unlink()

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, self._schema))
            self._rows = []


def result_row(
    part: Part, label: str, row: Row, result: Result, same: bool | None
) -> dict[str, Any]:
    """An execution as a row of COLUMNS, inputs and outputs as JSON text."""
    return {
        "source": part.url,
        "place": row.place,
        "program": label,
        "input": as_text(row.input),
        "recorded": None if row.recorded is NOTHING else as_text(row.recorded),
        "output": as_text(result.output) if result.ok else None,
        "status": result.status,
        "error": str(result.error) if result.error else None,
        "confidence": result.confidence,
        "latency_ms": result.latency_ms,
        "same": same,
    }


def stored_summary(folder: str, part: int, identity: str) -> dict[str, Any] | None:
    """What a part came to that was finished before; None where it was not."""
    import pyarrow.parquet

    url = _file(folder, part, identity)
    try:
        with fsspec.open(url, "rb") as content:
            found = pyarrow.parquet.ParquetFile(content).metadata.metadata[SUMMARY_KEY]
    except FileNotFoundError:
        return None
    summary: dict[str, Any] = msgspec.json.decode(found)
    return summary


def remove_others(folder: str, kept: set[str]) -> None:
    """Remove parts of earlier runs that are none of this one, and what a crash left half-made."""
    storage, path = url_to_fs(folder)
    for found in storage.ls(path, detail=False):
        name = found.rpartition("/")[2]
        stale = name.startswith("part-") and name.endswith(".parquet") and name not in kept
        if stale or (name.startswith(".part-") and name.endswith(".tmp")):
            storage.rm_file(found)


def write_whole(folder: str, name: str, content: bytes) -> None:
    """A file of its own in the folder, whole or not there. Raises OSError."""
    storage, path = url_to_fs(folder)
    if "file" in storage.protocol:
        write_atomic(Path(path) / name, content)
    else:
        storage.pipe_file(f"{path}/{name}", content)


def table_bytes(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    into = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), into, compression="zstd")
    content: bytes = into.getvalue().to_pybytes()
    return content


def part_name(part: int, identity: str) -> str:
    return f"part-{part:05}-{identity}.parquet"


def _file(folder: str, part: int, identity: str) -> str:
    return f"{folder.rstrip('/')}/{part_name(part, identity)}"


def as_text(value: Any) -> str:
    """A JSON value as text."""
    return msgspec.json.encode(value).decode()
