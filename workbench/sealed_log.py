"""The encrypted part of the log as Arrow batches, decrypted as they are asked for. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema

from runtime.datasets.log_files import LogFile, list_log_files
from runtime.datasets.reader import MAX_LINE, open_log_file
from runtime.encryption.archive import key_id_of_archive
from runtime.encryption.lines import MARK

ROWS = 2000


class _Line(msgspec.Struct):
    v: int | None = None
    execution_id: str | None = None
    task_id: str | None = None
    program_version: int | None = None
    input: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()
    status: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    confidence: float | None = None
    latency_ms: float | None = None
    timestamp: str | None = None


NAMES = ("task", *_Line.__struct_fields__)
_TYPES = {
    "v": DataType.int64(),
    "program_version": DataType.int64(),
    "confidence": DataType.float64(),
    "latency_ms": DataType.float64(),
}
_SCHEMA = Schema([Field(name, _TYPES.get(name, DataType.string())) for name in NAMES])


class SealedExecutions:
    """What DuckDB scans, as often as a query needs: it asks for a new stream each time."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        """Raises OSError for a file whose key is not configured."""
        self._files = files
        for file in files:
            open_log_file(file).close()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = RecordBatchReader.from_batches(_SCHEMA, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[RecordBatch]:
        for file in self._files:
            task = file.path.parent.parent.name
            rows: list[tuple[Any, ...]] = []
            for row in _rows(file, task):
                rows.append(row)
                if len(rows) == ROWS:
                    yield _batch(rows)
                    rows = []
            if rows:
                yield _batch(rows)


def sealed_files(folder: Path) -> list[LogFile]:
    """The log files in a folder that are encrypted."""
    return [file for file in list_log_files(folder) if is_sealed(file)]


def is_sealed(file: LogFile) -> bool:
    """Whether a log file is encrypted. Raises OSError."""
    if file.compressed:
        return key_id_of_archive(file.path) is not None
    with file.path.open("rb") as content:
        return content.read(len(MARK)) == MARK


def _rows(file: LogFile, task: str) -> Iterator[tuple[Any, ...]]:
    decode = msgspec.json.Decoder(_Line).decode
    with open_log_file(file) as content:
        # A torn last line is no row, and no reason to fail.
        while (line := content.readline(MAX_LINE)).endswith(b"\n"):
            try:
                found = decode(line)
            except (ValueError, RecursionError):
                continue
            yield (task, *map(_plain, msgspec.structs.astuple(found)))


def _plain(value: Any) -> Any:
    return (bytes(value).decode() or None) if isinstance(value, msgspec.Raw) else value


def _batch(rows: Sequence[tuple[Any, ...]]) -> RecordBatch:
    columns = zip(*rows, strict=True)
    return RecordBatch.from_arrays(
        [
            Array(column, _SCHEMA.field(name).type)
            for name, column in zip(NAMES, columns, strict=True)
        ],
        schema=_SCHEMA,
    )
