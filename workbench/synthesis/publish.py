"""A chosen program as a new version: its README, evaluation and provenance, and the journal."""

from __future__ import annotations

import hashlib
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import sqlite_utils

from runtime.artifact_files import complexity
from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.clock import format_time, utc_now
from runtime.models import ArtifactStatus, ProgramArtifact, TaskSpecification
from runtime.strict_json import canonical
from workbench.synthesis.ranking import Evaluated, pareto_front
from workbench.synthesis.synthesizer import Outcome


def publish(store: ArtifactStore, task: TaskSpecification, outcome: Outcome) -> int:
    """Store the chosen program as the task's next version, journal the run; the version."""
    chosen = outcome.chosen
    accuracy = chosen.accuracy
    good = accuracy >= task.accuracy_target
    artifact = ProgramArtifact(
        task_id=task.id,
        version=1,
        code=chosen.candidate.source,
        synthesis_strategy=chosen.candidate.strategy,
        confidence_score=accuracy,
        complexity_metrics=complexity(chosen.candidate.source),
        generation_time_sec=round(outcome.seconds, 3),
        status=ArtifactStatus.VALIDATED if good else ArtifactStatus.DRAFT,
    )
    new = NewArtifact(
        artifact=artifact,
        evaluation={**chosen.report, "explanation": outcome.explanation},
        provenance=provenance(task, outcome),
        readme=readme(task, outcome),
    )
    version = store.add(task, new)
    _journal(store, task, outcome, version)
    return version


def provenance(task: TaskSpecification, outcome: Outcome) -> dict[str, Any]:
    """Where a version came from: enough to make it again."""
    return {
        "task_hash": task_hash(task),
        "examples": outcome.examples,
        "seed": outcome.seed,
        "strategy": outcome.chosen.candidate.strategy.value,
        "label": outcome.chosen.candidate.label,
        "parameters": outcome.chosen.candidate.parameters,
        "notes": list(outcome.chosen.candidate.notes),
        "dsl": outcome.chosen.candidate.dsl,
        "candidates": [_row(item) for item in outcome.ranked],
        "skipped": {name.value: reason for name, reason in outcome.skipped.items()},
        "made_by": f"loopai-workbench {installed_version('loopai-workbench')}",
    }


def task_hash(task: TaskSpecification) -> str:
    """SHA-256 of what a program depends on: description, schemas and examples."""
    parts = {
        "description": task.description,
        "input_schema": task.input_schema,
        "output_schema": task.output_schema,
        "examples": [example.model_dump(exclude={"origin"}) for example in task.examples],
    }
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def readme(task: TaskSpecification, outcome: Outcome) -> str:
    """The version's README: what it does, how well, and how to run it, in Markdown."""
    chosen = outcome.chosen
    report = chosen.report
    lines = [
        f"# {task.name}",
        "",
        " ".join(task.description.split()),
        "",
        "## How well it does",
        outcome.explanation,
        "",
        "| candidate | accuracy | p99 ms | bytes |",
        "|---|---|---|---|",
        *(
            f"| {item.candidate.strategy} ({item.candidate.label}) | {item.accuracy:.1%} "
            f"| {item.report['latency_ms']['p99']:.3f} | {item.size:,} |"
            for item in outcome.ranked
        ),
        "",
        f"Judged by {report['method']} on {report['examples']} examples; the program here was "
        f"then made in the same way from all {report['learned_from']}.",
    ]
    if report.get("classes"):
        lines += ["", "| class | examples | precision | recall |", "|---|---|---|---|"]
        lines += [
            f"| {label} | {figures['support']} | {figures['precision']:.1%} "
            f"| {figures['recall']:.1%} |"
            for label, figures in report["classes"].items()
        ]
    if chosen.candidate.notes:
        lines += ["", "## How it decides", *(f"- {note}" for note in chosen.candidate.notes)]
    lines += [
        "",
        "## How to run it",
        "Python 3.11 or later, nothing else:",
        "",
        "```sh",
        "echo '<one input object>' | python program.py",
        "python program.py --serve 8080",
        "```",
        "",
    ]
    return "\n".join(lines)


def _row(item: Evaluated) -> dict[str, Any]:
    return {
        "strategy": item.candidate.strategy.value,
        "label": item.candidate.label,
        "accuracy": item.accuracy,
        "low": item.report["interval"][0],
        "high": item.report["interval"][1],
        "p50_ms": item.report["latency_ms"]["p50"],
        "p99_ms": item.report["latency_ms"]["p99"],
        "bytes": item.size,
        "seconds": round(item.seconds, 3),
    }


def comparison(outcome: Outcome) -> list[dict[str, Any]]:
    """One row a candidate, best first: figures, and whether another beats it in everything."""
    front = pareto_front(outcome.ranked)
    return [
        {**_row(item), "on_front": item in front, "chosen": item is outcome.chosen}
        for item in outcome.ranked
    ]


def _journal(store: ArtifactStore, task: TaskSpecification, outcome: Outcome, version: int) -> None:
    """Keep what was tried, sources too, in `state/synthesis.db`."""
    store.data_dir.state.mkdir(parents=True, exist_ok=True)
    database = sqlite_utils.Database(Path(store.data_dir.state / "synthesis.db"))
    try:
        with database.conn:
            run = {
                "task": task.name,
                "task_hash": task_hash(task),
                "at": format_time(utc_now()),
                "seed": outcome.seed,
                "examples": outcome.examples,
                "seconds": round(outcome.seconds, 3),
                "version": version,
                "explanation": outcome.explanation,
            }
            number = database.table("runs").insert(run, pk="id").last_pk
            database.table("candidates").insert_all(
                {**_row(item), "run": number, "source": item.candidate.source}
                for item in outcome.ranked
            )
    finally:
        database.close()
