"""Runs a job's programs over one part: the function that every engine calls, wherever it is.

The same part gives the same counts however often and wherever it is run; where an output folder
is given, its results are there whole or not at all, and a part that is there is not run again.
"""

from __future__ import annotations

import atexit
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import msgspec

from runtime.errors import LoopaiError, Problem
from runtime.sandbox import Limits, ProgramError, Result, Sandbox
from runtime.schema_check import SchemaCheck
from workbench.replay.parts import Part
from workbench.replay.results import COLUMNS, PartFile, result_row, stored_summary
from workbench.replay.rows import Row, RowReader
from workbench.replay.tally import Tally

ROWS_AT_ONCE = 1_000
#: Raised when what is stored of a part changes: results of before are then made anew.
PART_FORMAT = 2
Kept = Literal["all", "wrong", "none"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is done with every part: plain values only, as it crosses to other machines.

    `programs` maps a label such as `v3` to source without a launcher.
    """

    programs: dict[str, str]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    fields: tuple[str, ...]
    answer: str
    limits: Limits
    output: str | None = None
    #: Which rows are written to `output`: those that are not as recorded, all, or none.
    keep: Kept = "all"

    def part_id(self, part: Part) -> str:
        """Names what comes of this part: another program, schema or file has another one."""
        said = msgspec.json.encode(
            [PART_FORMAT, self.keep, self.programs, self.input_schema, self.output_schema,
             self.fields, self.answer, part.mark, part.form, part.start, part.end],
            order="deterministic",
        )  # fmt: skip
        return hashlib.blake2b(said, digest_size=8).hexdigest()


def run_part(job: Job, part: Part) -> dict[str, Any]:
    """`{"part", "skipped", "problems", "programs": {label: Tally as JSON}}`.

    Raises LoopaiError where the part cannot be read or its results cannot be written.
    """
    try:
        return _run_part(job, part)
    except OSError as error:
        raise LoopaiError(
            Problem(f"cannot be replayed: {error.strerror or error}.", part.name)
        ) from None


def _run_part(job: Job, part: Part) -> dict[str, Any]:
    identity = job.part_id(part)
    if job.output is not None:
        stored = stored_summary(job.output, part.number, identity)
        if stored is not None:
            return {**stored, "part": part.number}
    sandbox = _sandbox(job.limits)
    programs = {label: sandbox.load(source) for label, source in job.programs.items()}
    accepts = SchemaCheck(job.input_schema, "input_schema")
    allows = SchemaCheck(job.output_schema, "output_schema")
    tallies = {label: Tally() for label in programs}
    reader = RowReader(job.fields, job.answer)
    results = None
    if job.output is not None:
        results = PartFile(job.output, part.number, identity, COLUMNS)
    for rows in _chunks(reader.read(part)):
        fit = [row for row in rows if accepts.is_valid(row.input)]
        for label, program in programs.items():
            ran = iter(sandbox.run(program, [row.input for row in fit]))
            fits = {id(row) for row in fit}
            for row in rows:
                result = _checked(next(ran), allows) if id(row) in fits else REFUSED
                same = tallies[label].add(row, result, job.output_schema)
                if results is not None and _is_kept(job.keep, same):
                    results.add(result_row(part, label, row, result, same))
    summary = {
        "skipped": reader.skipped,
        "problems": reader.problems,
        "programs": {label: tally.as_json() for label, tally in tallies.items()},
    }
    if results is not None:
        results.finish(summary)
    return {**summary, "part": part.number}


def _is_kept(keep: Kept, same: bool | None) -> bool:
    return keep == "all" or (keep == "wrong" and same is False)


REFUSED = Result("error", error=ProgramError("RefusedInput", "the input breaks input_schema"))


def _checked(result: Result, allows: SchemaCheck) -> Result:
    """What the runtime would have answered: an output that breaks its schema is an error."""
    if not result.ok or allows.is_valid(result.output):
        return result
    broken = ProgramError("RefusedOutput", "the output breaks output_schema")
    return replace(result, status="error", output=None, error=broken)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        yield chunk


@lru_cache(maxsize=1)
def _sandbox(limits: Limits) -> Sandbox:
    """One for the process, as starting one costs as much as thousands of executions."""
    sandbox = Sandbox(limits=limits)
    atexit.register(sandbox.close)
    return sandbox
