"""The rows of a part, each an input and what was answered to it then. A row that cannot be used
is counted and reported, and ends nothing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import msgspec

from runtime.datasets.log_files import LogFile
from runtime.datasets.reader import LogContent, open_log_file
from workbench.replay.parts import Part
from workbench.sealed_log import is_sealed

MAX_LINE = 64_000_000
MOST_PROBLEMS = 5
PARQUET_ROWS = 4_000
BUFFER_BYTES = 1_000_000
NOTHING = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Row:
    """`recorded` is NOTHING where no answer stands beside the input.

    `place` is the same however the file is cut: the byte a line begins at, or a row's number.
    """

    place: int
    input: dict[str, Any]
    recorded: Any


@dataclass(slots=True)
class RowReader:
    """Reads parts. `fields` are the input's own, for files with a column each; what is compared
    with stands in the column `answer`."""

    fields: Sequence[str]
    answer: str = "output"
    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def read(self, part: Part) -> Iterator[Row]:
        """The part's rows. Raises what the storage raises when it cannot be opened."""
        for place, record in self.records(part):
            try:
                yield self._row(place, record, in_columns=part.form == "parquet")
            except ValueError as error:
                self.skip(part, place, str(error))

    def records(self, part: Part) -> Iterator[tuple[int, Any]]:
        """The part's lines or rows as JSON values, each with its place. Raises as `read` does."""
        return _read_parquet(part) if part.form == "parquet" else self._read_lines(part)

    def _read_lines(self, part: Part) -> Iterator[tuple[int, Any]]:
        sealed = _sealed_content(part)
        if sealed is not None:
            with sealed:
                packed = isinstance(sealed, gzip.GzipFile)
                yield from self._decode_lines(
                    part, _numbered(sealed) if packed else _range_lines(sealed, part)
                )
            return
        with fsspec.open(part.url, "rb") as content:
            # Not every storage's file bounds a line; this does.
            bounded = BufferedReader(content, BUFFER_BYTES)
            lines = _gzip_lines(bounded) if part.form == "gzip" else _range_lines(bounded, part)
            yield from self._decode_lines(part, lines)

    def _decode_lines(
        self, part: Part, lines: Iterator[tuple[int, bytes]]
    ) -> Iterator[tuple[int, Any]]:
        place = 0
        try:
            for place, line in lines:
                if not line.strip():
                    continue
                try:
                    yield place, msgspec.json.decode(line)
                except (ValueError, RecursionError) as error:
                    self.skip(part, place, f"is not JSON: {error}")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.skip(part, place, f"is the last that can be read: {error}")

    def _row(self, place: int, record: Any, in_columns: bool) -> Row:
        if not isinstance(record, dict):
            raise ValueError("is no object")
        given, answer = record.get("input", NOTHING), record.get(self.answer, NOTHING)
        if in_columns and isinstance(given, str) and "input" not in self.fields:
            given = decoded(given, "input")
            answer = decoded(answer, self.answer) if isinstance(answer, str) else answer
        if not isinstance(given, dict) or "input" in self.fields:
            given = {name: record[name] for name in self.fields if record.get(name) is not None}
        if not given and self.fields:
            raise ValueError("has no input" if not record.get("erased") else "was erased")
        failed = record.get("status", "success") != "success"
        return Row(place, given, NOTHING if failed else answer)

    def skip(self, part: Part, place: int, reason: str) -> None:
        """Count what stands at a place as no row."""
        self.skipped += 1
        if len(self.problems) < MOST_PROBLEMS:
            unit = "line" if part.form == "gzip" else "row" if part.form == "parquet" else "byte"
            self.problems.append(f"{part.url}: what stands at {unit} {place:,} {reason}")


def decoded(text: str, column: str) -> Any:
    """A column that holds JSON as text. Raises ValueError where it does not."""
    try:
        return msgspec.json.decode(text)
    except ValueError as error:
        raise ValueError(f"has no JSON in {column}: {error}") from None


def _sealed_content(part: Part) -> LogContent | None:
    """What is in a log file that is encrypted, decrypted; None for every other."""
    file = LogFile(Path(part.url.removeprefix("file://")), date.min, "")
    return open_log_file(file) if file.path.is_file() and is_sealed(file) else None


def _range_lines(content: BinaryIO | LogContent, part: Part) -> Iterator[tuple[int, bytes]]:
    """The lines that begin within the part; the last one may end behind it."""
    if part.start:
        content.seek(part.start - 1)
        content.readline(MAX_LINE)
    place = content.tell()
    while place < part.end and (line := content.readline(MAX_LINE)):
        yield place, line
        place += len(line)


def _gzip_lines(content: BinaryIO) -> Iterator[tuple[int, bytes]]:
    with gzip.GzipFile(fileobj=content) as plain:
        yield from _numbered(plain)


def _numbered(content: LogContent) -> Iterator[tuple[int, bytes]]:
    number = 1
    while line := content.readline(MAX_LINE):
        yield number, line
        number += 1


def _read_parquet(part: Part) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow.parquet

    with fsspec.open(part.url, "rb") as content:
        file = pyarrow.parquet.ParquetFile(content)
        number = 1 + sum(file.metadata.row_group(n).num_rows for n in range(part.start))
        groups = list(range(part.start, part.end))
        for batch in file.iter_batches(PARQUET_ROWS, row_groups=groups):
            for record in batch.to_pylist():
                yield number, record
                number += 1
