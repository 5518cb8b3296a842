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
from workbench.replay.results import SUMMARY_FILE, part_name, remove_others
from workbench.replay.tally import Tally
from workbench.replay.work import Job, run_part
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
) -> Job:
    """What is to be done for a task; `output` is a folder (path or URL) for results, or None."""
    properties = task.input_schema.get("properties")
    return Job(
        programs=programs,
        input_schema=task.input_schema,
        output_schema=task.output_schema,
        fields=tuple(properties) if isinstance(properties, dict) else (),
        answer=answer,
        limits=limits,
        output=output,
    )


def replay(
    job: Job, parts: Sequence[Part], engine: Engine, tell: Callable[[Step], None] = lambda _: None
) -> dict[str, Any]:
    """The report: `{"v", "rows", "skipped", "problems", "parts", "programs": {label: {...}}}`.

    It does not depend on the engine, on the order parts are done in, or on how often one was
    begun. With `job.output`, it also stands there as `summary.json`. Raises LoopaiError.
    """
    found: dict[int, dict[str, Any]] = {}
    rows = 0
    for part in engine(partial(run_part, job), parts):
        found[part["part"]] = part
        rows += max(tally["rows"] for tally in part["programs"].values())
        tell(Step(len(found), len(parts), rows))
    ordered = [found[part.number] for part in parts]
    tallies = {label: Tally() for label in job.programs}
    for part in ordered:
        for label, tally in tallies.items():
            tally.merge(Tally.from_json(part["programs"][label]))
    report = {
        "v": FORMAT_VERSION,
        "rows": rows,
        "skipped": sum(part["skipped"] for part in ordered),
        "problems": [text for part in ordered for text in part["problems"]][:MOST_PROBLEMS],
        "parts": len(parts),
        "programs": {label: describe(tally) for label, tally in tallies.items()},
    }
    if job.output is not None:
        _finish(job, parts, report)
    return report


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


def _finish(job: Job, parts: Sequence[Part], report: dict[str, Any]) -> None:
    assert job.output is not None
    remove_others(job.output, {part_name(part.number, job.part_id(part)) for part in parts})
    storage, path = url_to_fs(job.output)
    beside = f"{path}/.{SUMMARY_FILE}.tmp"
    with storage.open(beside, "w", encoding="utf-8") as file:
        file.write(json.dumps(report, ensure_ascii=False, indent=1))
    storage.mv(beside, f"{path}/{SUMMARY_FILE}")


def check_output(output: str) -> None:
    """Raises InvalidInputError for a folder that holds something other than results of ours."""
    storage, path = url_to_fs(output)
    try:
        names = [found.rpartition("/")[2] for found in storage.ls(path, detail=False)]
    except FileNotFoundError:
        return
    strange = [n for n in names if n != SUMMARY_FILE and not n.lstrip(".").startswith("part-")]
    if strange:
        raise InvalidInputError(
            Problem(
                f"holds {strange[0]}, which is no result of a replay.",
                output,
                remedy="Name a new or empty folder.",
            )
        )
