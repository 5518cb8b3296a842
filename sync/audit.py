"""What ever left this box, as a chain of hashes: no entry can be changed or taken out unseen.

An entry is on the disk before what it tells of is forgotten here. It names sizes and digests of
what was sent, never its content.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.clock import format_time, utc_now
from runtime.data_dir import make_folder
from runtime.datasets.owned_file import open_owned
from runtime.errors import LoopaiError, Problem
from runtime.format_version import check_format
from runtime.strict_json import canonical, parse_strictly

FORMAT_VERSION = 1
GENESIS = "0" * 64
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries hold, the last one's hash, and what is wrong (None: nothing)."""

    entries: int
    last_hash: str
    problem: Problem | None = None


class AuditLog:
    """One file of JSON lines; one process at a time appends."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def append(self, kind: str, **facts: Any) -> str:
        """Add an entry and wait until the disk has it; returns its hash.

        Raises OSError when the disk refuses, LoopaiError when another process writes.
        """
        make_folder(self.file.parent)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (owned := open_owned(self.file)) is None and time.monotonic() < give_up:
            time.sleep(0.02)  # the agent or a command is at an entry of its own
        if owned is None:
            raise LoopaiError(Problem("another process is writing it.", self.file))
        try:
            sequence, previous = self._last(owned.handle, owned.end)
            entry = {
                "v": FORMAT_VERSION,
                "sequence": sequence + 1,
                "timestamp": format_time(utc_now()),
                "kind": kind,
                **facts,
                "previous": previous,
            }
            entry["hash"] = _hash(entry)
            _write_whole(owned.handle, owned.end, canonical(entry).encode() + b"\n")
        finally:
            os.close(owned.handle)
        return str(entry["hash"])

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries as they stand, none where there is no file."""
        if self.file.exists():
            with self.file.open("rb") as lines:
                for line in lines:
                    entry = parse_strictly(line)
                    assert isinstance(entry, dict)
                    yield entry

    def verify(self, expected_last: str | None = None) -> Verified:
        """Go through the chain. With `expected_last`, a cut-off end is noticed too."""
        count, previous = 0, GENESIS
        seen = previous == expected_last
        number = 0
        try:
            lines = self.file.open("rb")
        except FileNotFoundError:
            lines = None
        if lines is not None:
            with lines:
                for number, line in enumerate(lines, start=1):
                    fault = _fault(line, count + 1, previous)
                    if fault is not None:
                        return Verified(count, previous, Problem(fault, self.file, number))
                    previous = parse_strictly(line)["hash"]
                    seen = seen or previous == expected_last
                    count += 1
        if expected_last is not None and not seen:
            problem = Problem("entries are missing at its end.", self.file, number or None)
            return Verified(count, previous, problem)
        return Verified(count, previous)

    def _last(self, handle: int, end: int) -> tuple[int, str]:
        if not end:
            return 0, GENESIS
        start = max(0, end - 65_536)
        tail = os.pread(handle, end - start, start)
        last = parse_strictly(tail.rstrip(b"\n").rpartition(b"\n")[2])
        check_format(last, self.file, FORMAT_VERSION)
        return last["sequence"], last["hash"]


def _fault(line: bytes, sequence: int, previous: str) -> str | None:
    try:
        entry = parse_strictly(line)
        stated = entry.pop("hash")
    except (ValueError, AttributeError, KeyError):
        return "is no entry of this log."
    if entry.get("sequence") != sequence:
        return f"has number {entry.get('sequence')!r} where {sequence} belongs."
    if entry.get("previous") != previous:
        return "does not follow the entry before it."
    return None if _hash(entry) == stated else "was changed after it was written."


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(entry).encode()).hexdigest()


def _write_whole(handle: int, end: int, data: bytes) -> None:
    try:
        if os.write(handle, data) != len(data):
            raise OSError("the disk took only a part")
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise
