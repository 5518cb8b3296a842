"""What was told of executions, one by one, from the hub's database or from files of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.errors import LoopaiError, Problem
from runtime.validation.exact import matches
from workbench.replay.parts import Part
from workbench.replay.rows import RowReader, decoded

if TYPE_CHECKING:
    from sync.hub.pieces import Piece

Source = Any  # Part | Piece; the hub's library is not needed for files
MOST_ERROR = 100
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Told:
    """One execution. `kind`: judged by an oracle (failed: it was wrong or gave no answer), or only
    executed (failed: it gave no answer). `input` is None where a box kept it back."""

    kind: str
    place: str
    task: str
    version: int
    deployment: str
    at: str
    failed: bool
    status: str
    input: dict[str, Any] | None
    answered: Any = None
    expected: Any = None
    error: str | None = None
    probability: float = 1.0


@dataclass(slots=True)
class ToldReader:
    """Reads a source; what is no row is counted and reported, and ends nothing."""

    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def read(self, source: Source) -> Iterator[Told]:
        """Raises LoopaiError where it cannot be read."""
        if not isinstance(source, Part):
            yield from _of_database(source)
            return
        reader = RowReader(())
        try:
            for place, record in reader.records(source):
                try:
                    yield _of_file(record, f"{source.url} {place}")
                except (ValueError, TypeError) as error:
                    reader.skip(source, place, str(error))
        except OSError as error:
            raise LoopaiError(
                Problem(f"cannot be read: {error.strerror or error}.", source.name)
            ) from None
        self.skipped, self.problems = reader.skipped, reader.problems


def _of_file(record: Any, place: str) -> Told:
    """A line of `loopai hub rows`, or any with `input`, `answered` and `output`."""
    if not isinstance(record, dict):
        raise ValueError("is no object")
    given, right, answered = (record.get(name) for name in ("input", "output", "answered"))
    if isinstance(given, str):  # Parquet with JSON as text
        given = decoded(given, "input")
        right = decoded(right, "output") if isinstance(right, str) else right
        answered = decoded(answered, "answered") if isinstance(answered, str) else answered
    ended = str(record.get("ended") or "success")
    match = record.get("match")
    if match is None:
        if "answered" not in record or "output" not in record:
            raise ValueError("has neither match, nor output and answered")
        match = ended == "success" and matches(right, answered)
    return Told(
        kind="judged",
        place=place,
        task=str(record.get("task") or "-"),
        version=int(record.get("version") or 0),
        deployment=str(record.get("deployment") or "-"),
        at=str(record.get("validated_at") or ""),
        failed=not match,
        status=ended,
        input=given if isinstance(given, dict) else None,
        answered=answered,
        expected=right,
        probability=float(record.get("probability") or 1.0),
    )


def _of_database(piece: Piece) -> Iterator[Told]:
    from sqlalchemy.exc import SQLAlchemyError

    from sync.hub.pieces import read_piece
    from sync.hub.store import Store

    store = Store(piece.url)
    try:
        for row in read_piece(store, piece):
            judged = piece.kind == "judged"
            status = row.status or "success"
            yield Told(
                kind=piece.kind,
                place=row.id if judged else row.execution_id,
                task=row.task,
                version=row.version,
                deployment=row.deployment,
                at=row.at,
                failed=not row.match if judged else status != "success",
                status=status,
                input=row.input if isinstance(row.input, dict) else None,
                answered=row.output,
                expected=row.oracle_output if judged else None,
                error=None if judged else _error(row.error),
                probability=row.probability if judged else 1.0,
            )
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise LoopaiError(
            Problem(f"the hub's database cannot be read: {reason}.", piece.name)
        ) from None
    finally:
        store.close()


def _error(error: Any) -> str | None:
    """An error as one short line; numbers in it are alike, so that equal errors are."""
    if isinstance(error, dict) and "type" in error:
        error = f"{error['type']}: {error.get('message', '')}"
    elif error is not None and not isinstance(error, str):
        error = json.dumps(error, sort_keys=True)
    if error is None:
        return None
    return NUMBER.sub("#", error[: 2 * MOST_ERROR])[:MOST_ERROR].strip()
