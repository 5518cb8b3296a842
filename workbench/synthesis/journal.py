"""What each synthesis run was given, asked, was answered and tried: `state/synthesis.db`.

Every call and attempt is committed when it is made, so that a run that is killed can be read,
and resumed from where it was. Decides nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import sqlite_utils

from runtime.clock import format_time, utc_now
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, NotFoundError, Problem
from runtime.migrations import bring_up_to_date
from runtime.models import TaskSpecification
from runtime.strict_json import canonical
from workbench.synthesis.journal_tables import FORMAT, STOPPED
from workbench.synthesis.task_hash import task_hash

BUSY_SECONDS = 30.0
# A task with more examples than this is not kept whole, and its runs cannot be replayed.
MAX_SPECIFICATION_BYTES = 64_000_000


class Journal:
    """The journal of one data directory; its file is made when the first run begins."""

    def __init__(self, data_dir: DataDir) -> None:
        self._folder = data_dir.state
        self._file = data_dir.state / "synthesis.db"

    def start(
        self,
        task: TaskSpecification,
        *,
        seed: int,
        settings: Mapping[str, Any],
        made_by: str,
        model: str | None = None,
        model_digest: str | None = None,
    ) -> OpenRun:
        """Begin a run; `settings` is what else decides its result, as JSON."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._database() as database:
            run = {
                "task": task.name,
                "task_hash": task_hash(task),
                "at": format_time(utc_now()),
                "seed": seed,
                "examples": len(task.examples),
                "state": "running",
                "model": model,
                "model_digest": model_digest,
                "settings": canonical(settings),
                "specification": _keep_specification(database, task),
                "made_by": made_by,
            }
            number = database.table("runs").insert(run, pk="id").last_pk
            assert isinstance(number, int)
        return OpenRun(self, number)

    def reopen(self, number: int) -> OpenRun:
        """Go on with a run that was interrupted; raises LoopaiError when it still runs."""
        opened = OpenRun(self, number)
        opened.update(state="running")
        return opened

    def runs(self, task: str | None = None) -> list[dict[str, Any]]:
        """Every run, newest first, without its specification."""
        rows = self._rows("runs", "task = ?" if task else None, [task] if task else [])
        for row in rows:
            row["state"] = self._state(row)
            row["settings"] = json.loads(row["settings"] or "{}")
            if row["calls"] is None and row["model"]:
                row.update(self._spent_so_far(int(row["id"])))
        return sorted(rows, key=lambda row: -int(row["id"]))

    def run(self, number: int) -> dict[str, Any]:
        """One run; raises NotFoundError."""
        for row in self.runs():
            if row["id"] == number:
                return row
        raise NotFoundError(Problem(f"there is no run {number}.", remedy="See: loopai runs list"))

    def _spent_so_far(self, number: int) -> dict[str, int]:
        """Of a run that did not come to its end: what its calls took all the same."""
        asked = [row for row in self.calls(number) if row["failure"] != STOPPED]
        return {
            "calls": len(asked),
            "prompt_tokens": sum(row["prompt_tokens"] or 0 for row in asked),
            "answer_tokens": sum(row["answer_tokens"] or 0 for row in asked),
        }

    def specification(self, number: int) -> TaskSpecification:
        """The task as it was, examples too; raises NotFoundError when it was not kept."""
        digest = self.run(number)["specification"]
        rows = self._rows("specifications", "digest = ?", [digest])
        if not rows:
            raise NotFoundError(
                Problem(f"run {number} did not keep its task, so it cannot be replayed.")
            )
        return TaskSpecification.model_validate_json(zlib.decompress(rows[0]["document"]))

    def calls(self, number: int) -> list[dict[str, Any]]:
        """The calls of a run in their order."""
        return self._rows("calls", "run = ?", [number], "number")

    def attempts(self, number: int) -> list[dict[str, Any]]:
        """The programs a run tried, in their order."""
        return self._rows("attempts", "run = ?", [number], "number")

    def candidates(self, number: int) -> list[dict[str, Any]]:
        """The judged programs of a run, best first."""
        return self._rows("candidates", "run = ?", [number], "rowid")

    def _rows(
        self,
        table: str,
        where: str | None = None,
        values: Sequence[Any] = (),
        order: str | None = None,
    ) -> list[dict[str, Any]]:
        if not self._file.is_file():
            return []
        with self._database() as database:
            rows = database.table(table).rows_where(where, list(values), order_by=order)
            return [dict(row) for row in rows]

    def _state(self, row: Mapping[str, Any]) -> str:
        """Runs of older releases were written when they had ended."""
        state = str(row["state"] or "finished")
        if state == "running" and not self._is_held(int(row["id"])):
            return "interrupted"
        return state

    def hold(self, number: int) -> IO[bytes] | None:
        """Hold a run for this process, until it ends or lets go; None when another holds it."""
        file = self._lock(number).open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def let_go(self, number: int, held: IO[bytes]) -> None:
        """Give up a run that `hold` gave."""
        self._lock(number).unlink(missing_ok=True)
        held.close()

    def _is_held(self, number: int) -> bool:
        if not self._lock(number).exists():
            return False
        held = self.hold(number)
        if held is not None:
            held.close()
        return held is None

    def _lock(self, number: int) -> Path:
        return self._folder / f"synthesis-run-{number}.lock"

    @contextmanager
    def _database(self) -> Iterator[sqlite_utils.Database]:
        connection = sqlite3.connect(self._file, timeout=BUSY_SECONDS)
        database = sqlite_utils.Database(connection)
        try:
            database.enable_wal()
            bring_up_to_date(connection, self._file, FORMAT)
            with database.conn:
                yield database
        finally:
            database.close()


class OpenRun:
    """A run that this process holds; what it writes is there even if it is killed."""

    def __init__(self, journal: Journal, number: int) -> None:
        held = journal.hold(number)
        if held is None:
            raise LoopaiError(f"run {number} is still going on in another process.")
        self.number = number
        self._journal = journal
        self._held = held
        self._attempts = 0

    def add_call(self, number: int, **fields: Any) -> None:
        """One call to the model, with its answer or its failure."""
        row = {"run": self.number, "number": number, "at": format_time(utc_now()), **fields}
        with self._journal._database() as database:
            database.table("calls").upsert(row, pk=("run", "number"))

    def forget_last_failures(self) -> None:
        """Forget the failed calls that nothing came after: a server that is back may answer."""
        answered = "SELECT COALESCE(MAX(number), 0) FROM calls WHERE run = ? AND failure IS NULL"
        with self._journal._database() as database:
            calls = database.table("calls")
            calls.delete_where(f"run = ? AND number > ({answered})", [self.number, self.number])

    def add_attempt(self, **fields: Any) -> None:
        """One program tried. Numbers count from 1 and are the same when a run is resumed."""
        self._attempts += 1
        at = format_time(utc_now())
        row = {"run": self.number, "number": self._attempts, "at": at, **fields}
        with self._journal._database() as database:
            database.table("attempts").upsert(row, pk=("run", "number"))

    def add_candidates(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The judged programs, best first."""
        with self._journal._database() as database:
            database.table("candidates").delete_where("run = ?", [self.number])
            database.table("candidates").insert_all({**row, "run": self.number} for row in rows)

    def update(self, **fields: Any) -> None:
        """Change what is known of the run itself."""
        with self._journal._database() as database:
            database.table("runs").update(self.number, fields)

    def close(self) -> None:
        """Let others have it."""
        self._journal.let_go(self.number, self._held)


@contextmanager
def ended(run: OpenRun) -> Iterator[None]:
    """Let go of a run when the block ends, and note in it when that was for an error."""
    try:
        yield
    except LoopaiError as error:
        run.update(state="failed", explanation=str(error))
        raise
    except KeyboardInterrupt:
        run.update(state="interrupted")
        raise
    finally:
        run.close()


def _keep_specification(database: sqlite_utils.Database, task: TaskSpecification) -> str | None:
    document = task.model_dump_json().encode()
    if len(document) > MAX_SPECIFICATION_BYTES:
        return None
    same = canonical(task.model_dump(mode="json", exclude={"created_at", "updated_at", "privacy"}))
    digest = hashlib.sha256(same.encode(errors="surrogatepass")).hexdigest()
    row = {"digest": digest, "document": zlib.compress(document)}
    database.table("specifications").insert(row, pk="digest", ignore=True)
    return digest
