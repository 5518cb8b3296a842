"""`loopai evaluate`: many candidates over labelled rows, ranked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
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
from workbench.replay.candidates import gather_candidates, merge_same, refuse_unloadable
from workbench.replay.evaluating import evaluate
from workbench.replay.parts import plan_parts
from workbench.replay.replaying import make_job
from workbench.replay.work import Kept

SHOWN = 20
SHOWN_CLASSES = 10


@click.command("evaluate", help="Judge many candidates by labelled rows, and rank them.")
@click.argument("task")
@click.option(
    "--from",
    "sources",
    multiple=True,
    required=True,
    metavar="SOURCE",
    help="Labelled rows: JSON lines (.gz too) or Parquet, a file, folder, pattern or URL.",
)
@click.option(
    "--expected",
    default="output",
    show_default=True,
    metavar="FIELD",
    help="Where the right answer stands.",
)
@click.option(
    "--program",
    "paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A program.py, or a folder of them; repeatable.",
)
@click.option("--run", "runs", type=int, multiple=True, help="All candidates of a synthesis run.")
@click.option("--version", "versions", type=VERSION, multiple=True, help="A version; repeatable.")
@click.option(
    "--keep",
    type=click.Choice(["wrong", "all", "none"]),
    default="wrong",
    show_default=True,
    help="Which answers --output holds; counts are complete whichever.",
)
@engine_options
@in_the_clear_option
@data_dir_option
@json_option
def command(
    task: str,
    sources: tuple[str, ...],
    expected: str,
    paths: tuple[Path, ...],
    runs: tuple[int, ...],
    versions: tuple[int, ...],
    keep: Kept,
    spread: Spread,
    in_the_clear: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    specification = load_task(data_dir, task, with_examples=False)
    check_in_the_clear(data_dir, spread.output, in_the_clear)
    found = gather_candidates(data_dir, task, versions, paths, runs)
    if not found:
        raise InvalidInputError(
            Problem(
                "which candidates?",
                remedy="Name a folder with --program, a run with --run, versions with --version.",
            )
        )
    execution = load_deployment(data_dir.deployment_file).execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    distinct, same = merge_same(found)
    candidates, refused = refuse_unloadable(distinct, limits)
    parts = plan_parts(sources, spread.part_bytes)
    if not parts:
        raise InvalidInputError("There is no row to evaluate on: every file is empty.")
    report: dict[str, Any] = {"ranking": []}
    started = time.monotonic()
    if candidates:
        job = make_job(specification, candidates, limits, expected, spread.output, keep)
        with PartsBar("evaluating", len(parts) * len(candidates)) as bar:
            report = evaluate(job, parts, spread.engine(), bar.tell)
    shown = {
        "task": task,
        "engine": spread.engine_name,
        "seconds": round(time.monotonic() - started, 3),
        **report,
        "same": same,
        "refused": refused,
    }
    if as_json:
        print_json(shown)
    else:
        _print(shown, spread.output)
    return 0 if candidates else EXIT_NO


def _print(report: dict[str, Any], output: str | None) -> None:
    ranking = report["ranking"]
    if ranking:
        print_table(
            ("rank", "candidate", "accuracy", "interval", "right", "errors", "timeouts",
             "p99 ms", "bytes", "worst class"),
            [
                (
                    one["rank"], one["candidate"], percent(one["accuracy"]),
                    " to ".join(percent(bound) for bound in one["interval"]), one["right"],
                    one["errors"], one["timeouts"], one["latency_ms"]["p99"], one["bytes"],
                    _worst(one),
                )
                for one in ranking[:SHOWN]
            ],
        )  # fmt: skip
        _print_more(ranking)
        out.print(
            f"{report['labelled']:,} labelled of {report['rows']:,} rows, {len(ranking)} programs, "
            f"{report['seconds']:.1f} s",
            style="dim",
        )
        if report["skipped"]:
            out.print(f"{report['skipped']:,} rows were left out:", style="yellow")
            for problem in report["problems"][:5]:
                out.print(f"  {problem}", markup=False)
    for label, others in report["same"].items():
        out.print(f"{', '.join(others)}: the same program as {label}", markup=False, style="dim")
    for label, reason in report["refused"].items():
        out.print(f"{label}: refused: {reason}", markup=False, style="yellow")
    if output is not None and ranking:
        out.print(
            f"{output}: ranking.parquet, summary.json, and answers as part-*.parquet.",
            markup=False,
            style="dim",
        )


def _print_more(ranking: list[dict[str, Any]]) -> None:
    best = ranking[0]
    if len(ranking) > SHOWN:
        out.print(f"and {len(ranking) - SHOWN} more, with --json or --output", style="dim")
    near = sum(one["may_be_best"] for one in ranking) - 1
    if near:
        out.print(f"{near} more may be as good as the first: their intervals overlap.", style="dim")
    if best["classes"]:
        out.print()
        worst = sorted(best["classes"].items(), key=lambda one: one[1]["recall"])[:SHOWN_CLASSES]
        print_table(
            ("class", "rows", "recall", "precision"),
            [
                (name, one["support"], percent(one["recall"]), percent(one["precision"]))
                for name, one in worst
            ],
            title=f"Of {best['candidate']}",
        )
    for pattern in best["patterns"]:
        out.print(
            f"  {pattern['failures']} of {pattern['of_failures']} wrong answers looked at "
            f"{pattern['pattern']}; {pattern['successes']} of {pattern['of_successes']} right.",
            markup=False,
        )


def _worst(one: dict[str, Any]) -> str:
    name = one["worst_class"]
    return "-" if name is None else f"{name} {percent(one['classes'][name]['recall'])}"
