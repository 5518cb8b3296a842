"""What a cell gave when it ran: parts that a terminal, a screen and a page each can show.

A part is a JSON object with a `type`:

    text     text, style ("", "good", "bad", "dim", "warn")
    table    columns, rows (JSON values), total (rows there were, shown or not)
    source   text, language ("python", "diff", "json", "yaml")
    chart    chart ({kind, x, y, color, title}), columns, rows
    problem  message, file, line, field, remedy (of runtime.errors.Problem)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from runtime.errors import LoopaiError

Part = dict[str, Any]
Status = Literal["ok", "failed", "error", "skipped", "interrupted"]
MAX_ROWS = 1000
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Output:
    """One cell's result. `status`: ok; failed (an expectation does not hold); error (it could
    not be run); skipped (what it stands on has no result); interrupted.

    `facts` is what later cells need of it: `task`, `version`. `own` is the hash of the cell
    alone, `key` also of what it stands on.
    """

    label: str
    kind: str
    status: Status
    summary: str
    parts: tuple[Part, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    own: str = ""
    seconds: float = 0.0
    at: str = ""

    @property
    def has_result(self) -> bool:
        """Whether cells that stand on it can go on."""
        return self.status in ("ok", "failed")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Output:
        """Raises TypeError for another shape."""
        return cls(**{**data, "parts": tuple(data["parts"])})


@dataclass(frozen=True, slots=True)
class CellResult:
    """What the work of one kind of cell hands to the engine."""

    summary: str
    parts: tuple[Part, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False


def text_part(text: str, style: str = "") -> Part:
    return {"type": "text", "text": text, "style": style}


def source_part(text: str, language: str) -> Part:
    return {"type": "source", "text": text, "language": language}


def table_part(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], total: int | None = None
) -> Part:
    """A table; values that JSON has not become text."""
    shown = [[plain(value) for value in row] for row in rows]
    count = len(shown) if total is None else total
    return {"type": "table", "columns": list(columns), "rows": shown, "total": count}


def problem_parts(error: LoopaiError) -> tuple[Part, ...]:
    return tuple({"type": "problem", **problem.as_json()} for problem in error.problems)


def plain(value: Any) -> Any:
    """A value of a query as JSON."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "..."
    if value is None or isinstance(value, bool | int):
        return value
    return str(value) if not isinstance(value, timedelta) else value.total_seconds()
