"""Many candidates over labelled rows: each right how often, on which classes, and ranked.

A piece of the work is one candidate over one part of the rows, so a candidate that is new or
changed is all that is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from runtime.errors import InvalidInputError, Problem
from workbench.replay.parts import Part
from workbench.replay.replaying import FORMAT_VERSION, Step, Unread, describe, finish_output
from workbench.replay.results import RANKING_FILE, part_name, table_bytes, write_whole
from workbench.replay.tally import TallyInOrder
from workbench.replay.work import Job, run_part


@dataclass(frozen=True, slots=True)
class Piece:
    """One candidate over one part."""

    label: str
    part: Part


Engine = Callable[[Callable[[Piece], dict[str, Any]], Sequence[Piece]], Iterator[dict[str, Any]]]


def run_piece(job: Job, piece: Piece) -> dict[str, Any]:
    """As `run_part`, of one program, with `label` beside."""
    return {**run_part(_of_one(job, piece.label), piece.part), "label": piece.label}


def evaluate(
    job: Job,
    parts: Sequence[Part],
    engine: Engine,
    tell: Callable[[Step], None] = lambda _: None,
) -> dict[str, Any]:
    """The report: `{"v", "rows", "labelled", "skipped", "problems", "parts", "ranking": [...]}`,
    the best candidate first.

    It does not depend on the engine or on how often it was begun, but for times. With
    `job.output`, it also stands there as `summary.json`, and the ranking as Parquet. Raises
    LoopaiError, InvalidInputError where no row has a right answer.
    """
    pieces = [Piece(label, part) for part in parts for label in job.programs]
    sums = {label: TallyInOrder() for label in job.programs}
    unread = Unread()
    run = 0
    for done, piece in enumerate(engine(partial(run_piece, job), pieces), start=1):
        counted = piece["programs"][piece["label"]]
        sums[piece["label"]].add(piece["part"], counted)
        unread.add(piece)
        run += counted["rows"]
        tell(Step(done, len(pieces), run))
    ranking = rank({label: describe(added.tally) for label, added in sums.items()}, job.programs)
    best = ranking[0]
    if not best["labelled"]:
        raise InvalidInputError(
            Problem(
                f"no row has a right answer in {job.answer!r}.",
                field="--expected",
                remedy="Name the field that holds it.",
            )
        )
    report = {
        "v": FORMAT_VERSION,
        "rows": best["rows"],
        "labelled": best["labelled"],
        **unread.as_json(),
        "parts": len(parts),
        "ranking": ranking,
    }
    if job.output is not None:
        kept = {
            part_name(piece.part.number, _of_one(job, piece.label).part_id(piece.part))
            for piece in pieces
        }
        finish_output(job.output, kept, report)
        write_whole(job.output, RANKING_FILE, table_bytes([_flat(one) for one in ranking]))
    return report


def rank(figures: dict[str, dict[str, Any]], programs: dict[str, str]) -> list[dict[str, Any]]:
    """The most accurate first; of those alike, the smaller program. `may_be_best`: its interval
    reaches into that of the first."""
    order = sorted(
        figures, key=lambda label: (-figures[label]["same"], len(programs[label]), label)
    )
    first_low = (figures[order[0]]["interval"] or (0.0, 1.0))[0]
    return [
        _entry(place, label, figures[label], len(programs[label].encode()), first_low)
        for place, label in enumerate(order, start=1)
    ]


def _entry(
    place: int, label: str, found: dict[str, Any], size: int, first_low: float
) -> dict[str, Any]:
    classes = found["classes"]
    return {
        "rank": place,
        "candidate": label,
        "accuracy": found["agreement"],
        "interval": found["interval"],
        "may_be_best": (found["interval"] or (0.0, 1.0))[1] >= first_low,
        "rows": found["rows"],
        "labelled": found["compared"],
        "right": found["same"],
        "errors": found["error"],
        "timeouts": found["timeout"],
        "latency_ms": found["latency_ms"],
        "bytes": size,
        "worst_class": min(classes, key=lambda name: (classes[name]["recall"], name), default=None),
        "classes": classes,
        "mistakes": [
            {"expected": one["recorded"], "answered": one["now"], "rows": one["rows"]}
            for one in found["changes"]
        ],
        "patterns": found["patterns"],
        "examples": [
            {("expected" if name == "recorded" else name): value for name, value in row.items()}
            for row in found["examples"]
        ],
    }


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    low, high = entry["interval"] or (None, None)
    plain = ("rank", "candidate", "accuracy", "may_be_best", "rows", "labelled", "right",
             "errors", "timeouts", "bytes", "worst_class")  # fmt: skip
    return {
        **{name: entry[name] for name in plain},
        "low": low,
        "high": high,
        "p50_ms": entry["latency_ms"]["p50"],
        "p99_ms": entry["latency_ms"]["p99"],
        "classes": [{"class": name, **found} for name, found in entry["classes"].items()],
    }


def _of_one(job: Job, label: str) -> Job:
    return replace(job, programs={label: job.programs[label]})
