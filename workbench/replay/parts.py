"""Cuts files of rows, wherever they are, into parts that can be worked on apart. Reads no rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast

import fsspec
from fsspec.core import url_to_fs

from runtime.errors import InvalidInputError, NotFoundError, Problem

Form = Literal["lines", "gzip", "parquet"]
PART_BYTES = 16_000_000
ENDINGS: dict[str, Form] = {
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".jsonl.gz": "gzip",
    ".ndjson.gz": "gzip",
    ".parquet": "parquet",
}

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one file: bytes `start` to `end` of lines (a line belongs to where it begins), or
    row groups of Parquet; a gzip file is one part. `mark` changes when the file does."""

    number: int
    url: str
    form: Form
    start: int
    end: int
    mark: str

    @property
    def name(self) -> str:
        """For people: the file, and which piece of it."""
        if self.form == "gzip":
            return self.url
        unit = "row groups" if self.form == "parquet" else "bytes"
        return f"{self.url} ({unit} {self.start:,} to {self.end:,})"


def _of_storage(function: F) -> F:
    """Storage of any kind fails in its own ways, and each is told as one sentence."""

    @wraps(cast("Any", function))
    def told(source: str, *rest: Any) -> Any:
        try:
            return cast("Any", function)(source, *rest)
        except (InvalidInputError, NotFoundError):
            raise
        except ImportError as error:
            raise InvalidInputError(
                Problem(
                    f"cannot be read here: {error}.",
                    source,
                    remedy="pip install 'loopai-workbench[scale]' has what S3 and Parquet need.",
                )
            ) from None
        except FileNotFoundError:
            raise NotFoundError(Problem("there is no such file.", source)) from None
        except Exception as error:  # each storage has exceptions of its own
            raise InvalidInputError(
                Problem(f"cannot be read: {type(error).__name__}: {error}.", source)
            ) from None

    return cast("F", told)


def plan_parts(sources: Sequence[str], part_bytes: int = PART_BYTES) -> list[Part]:
    """The parts of all sources, in order.

    A source is a file, a folder or a pattern, as a path or a URL that fsspec knows (`s3://...`).
    Raises NotFoundError, InvalidInputError.
    """
    files = [file for source in sources for file in find_files(source)]
    parts = [part for file in files for part in _cut(file, part_bytes)]
    return [
        Part(number, part.url, part.form, part.start, part.end, part.mark)
        for number, part in enumerate(parts)
    ]


@_of_storage
def find_files(source: str) -> list[str]:
    """The files a source stands for, as URLs, sorted. Raises NotFoundError, InvalidInputError."""
    storage, path = url_to_fs(source)
    if "*" in path or "?" in path:
        found = [name for name in storage.glob(path) if _form(name)]
    elif storage.isdir(path):
        found = [name for name in storage.find(path) if _form(name)]
    else:
        storage.info(path)
        if not _form(path):
            raise InvalidInputError(
                Problem("is of no kind that is read here.", source, remedy=f"Read: {_readable()}.")
            )
        found = [path]
    if not found:
        raise NotFoundError(
            Problem("holds no file to read.", source, remedy=f"Read: {_readable()}.")
        )
    return sorted(storage.unstrip_protocol(name) for name in found)


@_of_storage
def _cut(url: str, part_bytes: int) -> list[Part]:
    storage, path = url_to_fs(url)
    form = _form(path)
    assert form is not None
    mark = _mark(url, storage.info(path))
    if form == "lines":
        size = int(storage.size(path) or 0)
        pieces = [(at, min(at + part_bytes, size)) for at in range(0, size, part_bytes)]
    elif form == "parquet":
        pieces = list(_row_groups(url, part_bytes))
    else:
        pieces = [(0, 0)]
    return [Part(0, url, form, start, end, mark) for start, end in pieces]


def _row_groups(url: str, part_bytes: int) -> Iterator[tuple[int, int]]:
    import pyarrow.parquet

    with fsspec.open(url, "rb") as content:
        metadata = pyarrow.parquet.ParquetFile(content).metadata
        start, size = 0, 0
        for group in range(metadata.num_row_groups):
            size += metadata.row_group(group).total_byte_size
            if size >= part_bytes:
                yield start, group + 1
                start, size = group + 1, 0
        if start < metadata.num_row_groups:
            yield start, metadata.num_row_groups


def _mark(url: str, info: dict[str, Any]) -> str:
    """Of what storages say of a file, what changes with its content and with nothing else."""
    told = (info.get(name) for name in ("ETag", "md5Hash", "mtime", "LastModified", "updated"))
    known = (info.get("size"), next((one for one in told if one), None))
    return hashlib.blake2b(f"{url} {known}".encode(), digest_size=8).hexdigest()


def _form(name: str) -> Form | None:
    return next((form for ending, form in ENDINGS.items() if name.endswith(ending)), None)


def _readable() -> str:
    return ", ".join(ENDINGS)
