"""A whole replay: parts planned, spread over an engine, and added up into one report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fsspec.core import url_to_fs

from runtime.datasets.output_mix import summary
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Limits
from workbench.improve.patterns import Seen, find_patterns
from workbench.replay.parts import Part
from workbench.replay.results import (
    OURS,
    SUMMARY_FILE,
    part_name,
    remove_others,
    write_whole,
)
from workbench.replay.tally import Tally, TallyInOrder
from workbench.replay.work import Job, Kept, run_part
from workbench.synthesis.evaluation import wilson_interval

FORMAT_VERSION = 1
MOST_CHANGES = 20
MOST_EXAMPLES = 10
MOST_PROBLEMS = 20

Engine = Callable[[Callable[[Part], dict[str, Any]], Sequence[Part]], Iterator[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Step:
    """How far a replay is: `rows` counts what has been run, `done` the parts of `parts`."""

    done: int
    parts: int
    rows: int


def make_job(
    task: TaskSpecification,
    programs: dict[str, str],
    limits: Limits,
    answer: str = "output",
    output: str | None = None,
    keep: Kept = "all",
) -> Job:
    """What is to be done for a task; `output` is a folder (path or URL) for results, or None, and
    `keep` says which of them."""
    properties = task.input_schema.get("properties")
    return Job(
        programs=programs,
        input_schema=task.input_schema,
        output_schema=task.output_schema,
        fields=tuple(properties) if isinstance(properties, dict) else (),
        answer=answer,
        limits=limits,
        output=output,
        keep=keep,
    )


def replay(
    job: Job, parts: Sequence[Part], engine: Engine, tell: Callable[[Step], None] = lambda _: None
) -> dict[str, Any]:
    """The report: `{"v", "rows", "skipped", "problems", "parts", "programs": {label: {...}}}`.

    It does not depend on the engine, on the order parts are done in, or on how often one was
    begun. With `job.output`, it also stands there as `summary.json`. Raises LoopaiError.
    """
    sums = {label: TallyInOrder() for label in job.programs}
    unread = Unread()
    rows = 0
    for done, part in enumerate(engine(partial(run_part, job), parts), start=1):
        for label, counted in part["programs"].items():
            sums[label].add(part["part"], counted)
        unread.add(part)
        rows += max(tally["rows"] for tally in part["programs"].values())
        tell(Step(done, len(parts), rows))
    report = {
        "v": FORMAT_VERSION,
        "rows": rows,
        **unread.as_json(),
        "parts": len(parts),
        "programs": {label: describe(added.tally) for label, added in sums.items()},
    }
    if job.output is not None:
        finish_output(
            job.output, {part_name(part.number, job.part_id(part)) for part in parts}, report
        )
    return report


class Unread:
    """Rows that no part could use, and why: once for each part."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[int, list[str]]] = {}

    def add(self, part: dict[str, Any]) -> None:
        self._parts[part["part"]] = part["skipped"], part["problems"]

    def as_json(self) -> dict[str, Any]:
        """`{"skipped", "problems"}`, in the parts' order."""
        ordered = [self._parts[number] for number in sorted(self._parts)]
        texts = [text for _, problems in ordered for text in problems]
        return {
            "skipped": sum(skipped for skipped, _ in ordered),
            "problems": texts[:MOST_PROBLEMS],
        }


def describe(tally: Tally) -> dict[str, Any]:
    """One program's figures: what agrees with what was answered then (with a 95 % Wilson
    interval), what would change, and what changed rows have in common."""
    low, high = wilson_interval(tally.same, tally.compared)
    latency = summary(tally.latency)
    changes, error = tally.changes.top(MOST_CHANGES)
    changed = [tally.changed_rows.rows[key] for key in sorted(tally.changed_rows.rows)]
    same = [tally.same_rows.rows[key] for key in sorted(tally.same_rows.rows)]
    return {
        "rows": tally.rows,
        "success": tally.success,
        "error": tally.error,
        "timeout": tally.timeout,
        "compared": tally.compared,
        "same": tally.same,
        "changed": tally.changed,
        "newly_failing": tally.newly_failing,
        "unanswered": tally.unanswered,
        "agreement": round(tally.same / tally.compared, 6) if tally.compared else None,
        "interval": [round(low, 6), round(high, 6)] if tally.compared else None,
        "latency_ms": {"p50": latency["p50"], "p99": latency["p99"]},
        "classes": tally.classes(),
        "outputs": tally.outputs.as_json()["values"],
        "changes": [
            dict(zip(("recorded", "now"), json.loads(text), strict=True)) | {"rows": count}
            for text, count in changes
        ],
        "changes_error": error,
        "patterns": [
            pattern.as_json()
            for pattern in find_patterns(
                [_seen(row) for row in changed], [_seen(row) for row in same]
            )
        ],
        "examples": changed[:MOST_EXAMPLES],
    }


def _seen(row: dict[str, Any]) -> Seen:
    return Seen(row["input"], row["recorded"], row["output"], row["status"], row["confidence"])


def finish_output(output: str, kept: set[str], report: dict[str, Any]) -> None:
    """Leave only the parts that are `kept`, and the report beside them."""
    remove_others(output, kept)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    write_whole(output, SUMMARY_FILE, text.encode())


def check_output(output: str) -> None:
    """Raises InvalidInputError for a folder that holds something other than results of ours."""
    storage, path = url_to_fs(output)
    try:
        names = [found.rpartition("/")[2] for found in storage.ls(path, detail=False)]
    except FileNotFoundError:
        return
    strange = [n for n in names if not n.lstrip(".").startswith(OURS)]
    if strange:
        raise InvalidInputError(
            Problem(
                f"holds {strange[0]}, which is no result of a replay.",
                output,
                remedy="Name a new or empty folder.",
            )
        )
