"""How the files of a log are named and found. Opens nothing and changes nothing.

`2026-11-22.jsonl` belongs to the first writer of a UTC day, `2026-11-22.2.jsonl` to another;
a finished file may be compressed to the same name with `.gz`. Both hold one logical file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

NAME = re.compile(
    r"(?P<prefix>[a-z]+-)?(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:\.(?P<writer>[a-z0-9_-]+))?\.jsonl(?P<gz>\.gz)?"
)
COMPRESSED = ".gz"
QUARANTINE = ".quarantine"
# All that gzip keeps of a size.
SIZE_MODULUS = 2**32


@dataclass(frozen=True, slots=True)
class LogFile:
    """One writer's file of one day; `writer` is "" for the first."""

    path: Path
    day: date
    writer: str

    @property
    def compressed(self) -> bool:
        return self.path.suffix == COMPRESSED

    @property
    def name(self) -> str:
        """The logical name, which compression does not change."""
        return self.path.name.removesuffix(COMPRESSED)


def file_name(day: date, writer: str = "", prefix: str = "") -> str:
    """The plain name of one writer's file of a day."""
    return f"{prefix}{day.isoformat()}{'.' + writer if writer else ''}.jsonl"


def list_log_files(
    folder: Path, first: date | None = None, last: date | None = None, prefix: str = ""
) -> list[LogFile]:
    """The files of the days `first` to `last`, both included, by day and writer.

    Where a file stands there plain and compressed (compression was interrupted), the plain
    one counts. A folder that is not there holds no files; other OSErrors are raised.
    """
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return []
    found: dict[str, LogFile] = {}
    for path in paths:
        file = _parse(path, prefix)
        if file is None or (first and file.day < first) or (last and file.day > last):
            continue
        if file.name not in found or not file.compressed:
            found[file.name] = file
    return sorted(found.values(), key=lambda file: (file.day, file.writer))


def content_size(file: LogFile) -> int:
    """Bytes of a file's content, modulo `SIZE_MODULUS`: of the content, not of the `.gz`.

    Raises OSError.
    """
    path = file.path
    if not file.compressed:
        try:
            return path.stat().st_size % SIZE_MODULUS
        except FileNotFoundError:  # compressed since it was listed
            path = path.with_name(path.name + COMPRESSED)
    with path.open("rb") as content:
        # RFC 1952: the last four bytes are the size of what was compressed.
        content.seek(-min(4, path.stat().st_size), 2)
        return int.from_bytes(content.read(4), "little")


def _parse(path: Path, prefix: str) -> LogFile | None:
    match = NAME.fullmatch(path.name)
    if match is None or (match["prefix"] or "") != prefix:
        return None
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        return None
    return LogFile(path, day, match["writer"] or "")
