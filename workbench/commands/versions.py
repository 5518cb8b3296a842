"""`loopai versions`: what there is of a task, and which serves."""

from __future__ import annotations

from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import NotFoundError, Problem
from workbench.console import out, percent, print_table


def version_rows(store: ArtifactStore, task: str) -> list[dict[str, Any]]:
    """A row a version, oldest first: figures from its evaluation, and its status now."""
    rows = []
    for version in store.versions(task):
        metadata = store.metadata(task, version)
        artifact, evaluation = metadata["artifact"], metadata["evaluation"]
        rows.append(
            {
                "version": version,
                "status": store.status(task, version).value,
                "strategy": artifact["synthesis_strategy"],
                "label": metadata["provenance"].get("label"),
                "accuracy": evaluation.get("accuracy"),
                "interval": evaluation.get("interval"),
                "p99_ms": evaluation.get("latency_ms", {}).get("p99"),
                "bytes": int(artifact["complexity_metrics"].get("bytes", 0)),
                "examples": metadata["provenance"].get("examples"),
                "created_at": artifact["created_at"],
            }
        )
    return rows


@click.command("versions", help="A task's versions with their figures.")
@click.argument("task")
@click.option("--history", is_flag=True, help="What was promoted and rolled back, and why.")
@data_dir_option
@json_option
def command(task: str, history: bool, data_dir: DataDir, as_json: bool) -> None:
    store = ArtifactStore(data_dir)
    rows = version_rows(store, task)
    if not rows and not data_dir.task_file(task).is_file():
        raise NotFoundError(
            Problem(
                f"there is no task {task!r} in {data_dir.root}.", remedy="See: loopai task list"
            )
        )
    if as_json:
        print_json({"task": task, "versions": rows, "history": store.history(task)})
    elif history:
        print_table(
            ("at", "event", "version", "reason"),
            [(e["at"], e["event"], f"v{e['version']}", e["reason"]) for e in store.history(task)],
        )
    elif not rows:
        out.print(f"{task} has no version yet. Make one with: loopai synthesize {task}")
    else:
        print_table(
            (
                "version",
                "status",
                "strategy",
                "accuracy",
                "95 % interval",
                "p99 ms",
                "bytes",
                "examples",
                "made",
            ),
            [
                (
                    f"v{row['version']}",
                    row["status"],
                    row["strategy"],
                    percent(row["accuracy"]),
                    " to ".join(percent(bound) for bound in row["interval"] or ()),
                    row["p99_ms"],
                    row["bytes"],
                    row["examples"],
                    row["created_at"][:19],
                )
                for row in rows
            ],
        )
