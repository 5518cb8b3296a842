"""What comes back from one execution of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["success", "error", "timeout"]


@dataclass(frozen=True, slots=True)
class ProgramError:
    """Why a program gave no answer: `type` names the exception, `line` is in its source."""

    type: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else ""
        return f"{self.type}: {self.message}{place}" if self.message else f"{self.type}{place}"


@dataclass(frozen=True, slots=True)
class Result:
    """One execution: `output` is a JSON value, `confidence` is in [0, 1] when given."""

    status: Status
    output: Any = None
    confidence: float | None = None
    error: ProgramError | None = None
    latency_ms: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == "success"
