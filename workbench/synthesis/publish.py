"""A chosen program as a new version: its README, evaluation and provenance, and the journal."""

from __future__ import annotations

import hashlib
from importlib.metadata import version as installed_version
from typing import Any

from runtime.artifact_files import complexity
from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.models import ArtifactStatus, ProgramArtifact, TaskSpecification
from workbench.synthesis.journal import OpenRun
from workbench.synthesis.model_card import model_card
from workbench.synthesis.ranking import Evaluated, pareto_front
from workbench.synthesis.synthesizer import Outcome
from workbench.synthesis.task_hash import task_hash


def publish(
    store: ArtifactStore, task: TaskSpecification, outcome: Outcome, run: OpenRun | None = None
) -> int:
    """Store the chosen program as the task's next version, end the journal's run; the version."""
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
        llm_provider="ollama" if chosen.candidate.helped_by else None,
        llm_model=chosen.candidate.helped_by,
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
    if run is not None:
        record(run, outcome, version)
    return version


def record(run: OpenRun, outcome: Outcome, version: int) -> None:
    """Write into the journal what the run came to."""
    run.add_candidates([{**_row(item), "source": item.candidate.source} for item in outcome.ranked])
    run.update(
        seconds=round(outcome.seconds, 3),
        examples=outcome.examples,
        version=version,
        explanation=outcome.explanation,
        program_sha256=program_hash(outcome),
        state="finished",
    )


def program_hash(outcome: Outcome) -> str:
    """SHA-256 of the chosen program."""
    return hashlib.sha256(outcome.chosen.candidate.source.encode()).hexdigest()


def made_by() -> str:
    """This release's name, as provenance and journal give it."""
    return f"loopai-workbench {installed_version('loopai-workbench')}"


def provenance(task: TaskSpecification, outcome: Outcome) -> dict[str, Any]:
    """Where a version came from: enough to make it again."""
    return {
        "task_hash": task_hash(task),
        "examples": outcome.examples,
        "seed": outcome.seed,
        "strategy": str(outcome.chosen.candidate.strategy),
        "label": outcome.chosen.candidate.label,
        "parameters": outcome.chosen.candidate.parameters,
        "notes": list(outcome.chosen.candidate.notes),
        "dsl": outcome.chosen.candidate.dsl,
        "candidates": [_row(item) for item in outcome.ranked],
        "skipped": {str(name): reason for name, reason in outcome.skipped.items()},
        "made_by": made_by(),
    }


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
    candidate = chosen.candidate
    lines += ["", *model_card(task, str(candidate.strategy), candidate.label, report)]
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
        "strategy": str(item.candidate.strategy),
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
