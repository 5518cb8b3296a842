"""What is said of a file that another release wrote. Imports next to nothing."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import InvalidInputError, Problem


def newer(
    file: Path | str, found: object, reads: int, line: int | None = None
) -> InvalidInputError:
    """The error for a file of a format this release does not read."""
    return InvalidInputError(
        Problem(
            f"has format version {found!r}; this release reads {reads}.",
            file,
            line,
            field="v",
            remedy="Use the release that wrote it, or a later one.",
        )
    )


def check_format(data: object, file: Path | str, reads: int = 1, line: int | None = None) -> None:
    """Raises InvalidInputError where a JSON object says that it is of another format than the one
    this release `reads`. One that says nothing is of the first."""
    found = data.get("v", 1) if isinstance(data, dict) else reads
    if found != reads or isinstance(found, bool):
        raise newer(file, found, reads, line)
