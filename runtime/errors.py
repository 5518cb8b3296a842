"""Errors meant for the person who meets them: what was wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in something a person wrote.

    `file`, `line` (from 1) and `field` (dotted, such as `sampling.rate`) say where;
    `message` says what is wrong in one sentence; `remedy` says what to do.
    """

    message: str
    file: Path | str | None = None
    line: int | None = None
    field: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        place = str(self.file) if self.file is not None else ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        if self.field:
            place += f" ({self.field})" if place else self.field
        sentence = f"{place}: {self.message}" if place else self.message
        return f"{sentence} {self.remedy}" if self.remedy else sentence

    def as_json(self) -> dict[str, str | int | None]:
        return {
            "message": self.message,
            "file": str(self.file) if self.file is not None else None,
            "line": self.line,
            "field": self.field,
            "remedy": self.remedy,
        }


class LoopaiError(Exception):
    """What a command prints and exits with 2 for; carries one problem or more."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidInputError(LoopaiError):
    """A file or argument a person gave does not say what it must."""


class NotFoundError(LoopaiError):
    """A task, version or file that was named is not there."""
