"""`loopai replay`: run programs over the history, or any rows, and say what would change."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.clock import utc_now
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.sandbox import Limits
from runtime.tasks import load_task
from workbench.commands.spreading import (
    PartsBar,
    Spread,
    check_in_the_clear,
    engine_options,
    in_the_clear_option,
)
from workbench.commands.version_argument import VERSION
from workbench.console import out, percent, print_table
from workbench.replay.candidates import gather_candidates
from workbench.replay.parts import plan_parts
from workbench.replay.replaying import make_job, replay

SHOWN = 5


@click.command("replay", help="Run versions over the history, or any rows: what would change.")
@click.argument("task")
@click.option(
    "--version", "versions", type=VERSION, multiple=True, help="Repeatable; default: the newest."
)
@click.option(
    "--program",
    "paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A candidate's program.py, or a folder of them, instead; repeatable.",
)
@click.option("--run", "runs", type=int, multiple=True, help="All candidates of a synthesis run.")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help="JSON lines (.gz too) or Parquet: a file, folder, pattern or URL such as s3://... "
    "(default: the task's own log).",
)
@click.option(
    "--days", type=click.IntRange(1, 36_500), help="Only the last days of the task's log."
)
@click.option(
    "--answer",
    default="output",
    show_default=True,
    metavar="COLUMN",
    help="What answers are compared with.",
)
@engine_options
@in_the_clear_option
@click.option(
    "--max-changed", type=click.FloatRange(0, 100), metavar="PERCENT",
    help="Exit with 1 when more than this changes.",
)  # fmt: skip
@data_dir_option
@json_option
def command(
    task: str,
    versions: tuple[int, ...],
    paths: tuple[Path, ...],
    runs: tuple[int, ...],
    sources: tuple[str, ...],
    days: int | None,
    answer: str,
    spread: Spread,
    in_the_clear: bool,
    max_changed: float | None,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    specification = load_task(data_dir, task, with_examples=False)
    check_in_the_clear(data_dir, spread.output, in_the_clear)
    if not versions and not paths and not runs:
        versions = (_newest(ArtifactStore(data_dir), task),)
    programs = gather_candidates(data_dir, task, versions, paths, runs)
    parts = plan_parts(sources or _history(data_dir, task, days), spread.part_bytes)
    if not parts:
        raise InvalidInputError("There is no row to replay: every file is empty.")
    execution = load_deployment(data_dir.deployment_file).execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    job = make_job(specification, programs, limits, answer, spread.output)
    started = time.monotonic()
    with PartsBar("replaying", len(parts)) as bar:
        report = replay(job, parts, spread.engine(), bar.tell)
    seconds = time.monotonic() - started
    if as_json:
        print_json(
            {"task": task, "engine": spread.engine_name, "seconds": round(seconds, 3), **report}
        )
    else:
        _print(report, seconds, spread.output)
    if max_changed is None:
        return 0
    return EXIT_NO if any(_share(p) * 100 > max_changed for p in report["programs"].values()) else 0


def _newest(store: ArtifactStore, task: str) -> int:
    newest = max(store.versions(task), default=None)
    if newest is None:
        raise NotFoundError(
            Problem(f"{task} has no version yet.", remedy=f"Make one: loopai synthesize {task}")
        )
    return newest


def _history(data_dir: DataDir, task: str, days: int | None) -> list[str]:
    first = utc_now().date() - timedelta(days=days - 1) if days else None
    found = [str(file.path) for file in list_log_files(data_dir.executions(task), first)]
    if not found:
        raise NotFoundError(
            Problem(
                f"{task} has no history here.", remedy="Name rows of your own with --from FILE."
            )
        )
    return found


def _share(program: dict[str, Any]) -> float:
    return program["changed"] / program["compared"] if program["compared"] else 0.0


def _print(report: dict[str, Any], seconds: float, output: str | None) -> None:
    for label, program in report["programs"].items():
        _print_program(label, program)
    print_table(
        (
            "program", "rows", "agree", "interval", "changed", "errors", "timeouts", "p50 ms",
            "p99 ms",
        ),
        [
            (
                label, p["rows"], percent(p["agreement"]),
                " to ".join(percent(bound) for bound in p["interval"] or ()) or "-",
                p["changed"], p["error"], p["timeout"],
                p["latency_ms"]["p50"], p["latency_ms"]["p99"],
            )
            for label, p in report["programs"].items()
        ],
    )  # fmt: skip
    if report["skipped"]:
        out.print(f"{report['skipped']:,} rows were left out:", style="yellow")
        for problem in report["problems"][:SHOWN]:
            out.print(f"  {problem}", markup=False)
    out.print(f"{report['rows']:,} rows in {report['parts']} parts, {seconds:.1f} s", style="dim")
    if output is not None:
        out.print(f"Every result: {output} (Parquet), summary.json beside it.", style="dim")


def _print_program(label: str, program: dict[str, Any]) -> None:
    if not program["changed"]:
        return
    out.print(f"{label} answers {program['changed']:,} of {program['compared']:,} differently:")
    print_table(
        ("answered then", "now", "rows"),
        [(c["recorded"], c["now"], c["rows"]) for c in program["changes"][: 2 * SHOWN]],
    )
    for pattern in program["patterns"]:
        out.print(
            f"  {pattern['failures']} of {pattern['of_failures']} changed rows looked at "
            f"{pattern['pattern']}; {pattern['successes']} of {pattern['of_successes']} that stay.",
            markup=False,
        )
    print_table(
        ("then", "now", "input"),
        [
            (
                str(row["recorded"])[:40],
                str(row["error"] or row["output"])[:40],
                str(row["input"])[:80],
            )
            for row in program["examples"][:SHOWN]
        ],
    )
    out.print()
