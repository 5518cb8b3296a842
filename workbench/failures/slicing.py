"""The second pass: every row is asked for what failures have in common, and failures are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from runtime.errors import LoopaiError, Problem
from workbench.failures.counting import Key
from workbench.failures.told import Source, Told, ToldReader
from workbench.improve.patterns import Seen, traits_of
from workbench.replay.results import PartFile, as_text, stored_summary

#: Raised when what is stored of a part changes: results of before are then made anew.
PART_FORMAT = 1
COLUMNS = (
    ("kind", "string"), ("task", "string"), ("version", "int64"), ("deployment", "string"),
    ("at", "string"), ("place", "string"), ("input", "string"), ("answered", "string"),
    ("expected", "string"), ("status", "string"), ("error", "string"), ("slice", "string"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slices:
    """Of one version: what its inputs' fields hold, and the patterns that are asked for."""

    kinds: dict[str, str]
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slicing:
    """What is done with every source: plain values only, as it crosses to other machines."""

    slices: dict[Key, Slices]
    output: str | None = None

    def part_id(self, source: Source) -> str:
        """Names what comes of a source: other patterns or another file has another one."""
        asked = [[*key, each.kinds, each.patterns] for key, each in sorted(self.slices.items())]
        place = [source.start, source.end] if hasattr(source, "form") else []
        said = msgspec.json.encode([PART_FORMAT, asked, source.mark, *place], order="deterministic")
        return hashlib.blake2b(said, digest_size=8).hexdigest()


def slice_source(slicing: Slicing, source: Source) -> dict[str, Any]:
    """`{"part", "rows", "slices": [[task, version, kind, pattern, rows, failed]]}`.

    Raises LoopaiError where the source cannot be read or what fails cannot be written.
    """
    try:
        return _slice_source(slicing, source)
    except OSError as error:
        raise LoopaiError(
            Problem(f"cannot be written: {error.strerror or error}.", slicing.output)
        ) from None


def _slice_source(slicing: Slicing, source: Source) -> dict[str, Any]:
    file = None
    if slicing.output is not None:
        identity = slicing.part_id(source)
        stored = stored_summary(slicing.output, source.number, identity)
        if stored is not None:
            return {**stored, "part": source.number}
        file = PartFile(slicing.output, source.number, identity, COLUMNS)
    counts: dict[tuple[Key, str], list[int]] = {}
    rows = 0
    for told in ToldReader().read(source):
        rows += 1
        key = (told.task, told.version, told.kind)
        wanted = slicing.slices.get(key)
        found = _patterns(told, wanted) if wanted is not None else []
        for pattern in found:
            counted = counts.setdefault((key, pattern), [0, 0])
            counted[0] += 1
            counted[1] += told.failed
        if file is not None and told.failed:
            file.add(_row(told, found[0] if found else None))
    summary = {
        "rows": rows,
        "slices": [[*key, pattern, *counted] for (key, pattern), counted in counts.items()],
    }
    if file is not None:
        file.finish(summary)
    return {**summary, "part": source.number}


def _patterns(told: Told, wanted: Slices) -> list[str]:
    """Those a row has, the most telling first."""
    if told.input is None or not wanted.patterns:
        return []
    traits = set(traits_of(seen(told.kind, told.status, told.input), wanted.kinds))
    return [pattern for pattern in wanted.patterns if pattern in traits]


def seen(kind: str, status: str, given: dict[str, Any], answered: Any = None) -> Seen:
    """An execution as patterns look at it. That those without an answer failed says nothing where
    this is what failing means."""
    return Seen(given, None, answered, status if kind == "judged" else "success")


def _row(told: Told, pattern: str | None) -> dict[str, Any]:
    return {
        "kind": told.kind,
        "task": told.task,
        "version": told.version,
        "deployment": told.deployment,
        "at": told.at,
        "place": told.place,
        "input": None if told.input is None else as_text(told.input),
        "answered": as_text(told.answered) if told.status == "success" else None,
        "expected": as_text(told.expected) if told.kind == "judged" else None,
        "status": told.status,
        "error": told.error,
        "slice": pattern,
    }
