"""`loopai hub failures`: why executions fail, over all that boxes told, by task, version, slice."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime.clock import format_time, utc_now
from runtime.command_line import json_option, print_json
from runtime.errors import InvalidInputError, NotFoundError, Problem
from sync.hub.options import database_option, folder_option
from workbench.commands.spreading import PartsBar, Spread, engine_options

if TYPE_CHECKING:
    from workbench.failures.told import Source

SHOWN = 10
SHOWN_EXAMPLES = 3


@click.command("failures", help="Why executions fail: groups by task, version and slice, in words.")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--tenant", help="Whose tasks; read from the hub's database.")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help="Instead of the database: rows of `loopai hub rows`, JSON lines (.gz too) or Parquet, "
    "a file, folder, pattern or URL.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="Only what was told of the last days.")
@click.option(
    "--part-rows", type=click.IntRange(min=1), default=50_000, show_default=True,
    help="Rows of the database that one part of the work is.",
)  # fmt: skip
@engine_options
@folder_option
@database_option
@json_option
def command(
    tasks: tuple[str, ...],
    tenant: str | None,
    sources: tuple[str, ...],
    days: int | None,
    part_rows: int,
    spread: Spread,
    folder: Path,
    database: str | None,
    as_json: bool,
) -> None:
    # Read late: a hub that starts needs none of it.
    from workbench.failures.analysing import analyse
    from workbench.replay.parts import plan_parts
    from workbench.replay.replaying import Step

    if (tenant is None) == (not sources):
        raise InvalidInputError("Give --tenant for the hub's database, or --from for files.")
    if sources and (tasks or days):
        raise InvalidInputError("With --from all rows count: choose them with `loopai hub rows`.")
    parts: list[Source] = (
        list(plan_parts(sources, spread.part_bytes))
        if tenant is None
        else _pieces(folder, database, tenant, tasks, days, part_rows)
    )
    if not parts:
        raise NotFoundError(Problem("nothing that was asked for was told of any execution."))
    started = time.monotonic()
    with PartsBar("reading twice", 2 * len(parts)) as bar:

        def tell(doing: str, step: Step) -> None:
            before = len(parts) if doing == "slicing" else 0
            bar.tell(Step(before + step.done, 2 * step.parts, step.rows))

        report = analyse(parts, spread.engine(), spread.output, tell)
    seconds = round(time.monotonic() - started, 3)
    shown = {"tenant": tenant, "engine": spread.engine_name, "seconds": seconds, **report}
    if as_json:
        print_json(shown)
    else:
        _print(shown, spread.output)


def _pieces(
    folder: Path,
    database: str | None,
    tenant: str,
    tasks: tuple[str, ...],
    days: int | None,
    size: int,
) -> list[Source]:
    from sync.hub.pieces import plan_pieces
    from sync.hub.store import FILE_NAME, Store

    file = (folder / FILE_NAME).absolute()
    if database is None and not file.is_file():
        raise NotFoundError(
            Problem("there is no hub's database.", file, remedy="Name it: --folder or --database.")
        )
    url = database or f"sqlite:///{file}"
    since = format_time(utc_now() - timedelta(days=days)) if days else ""
    store = Store(url)
    try:
        return list(plan_pieces(store, url, tenant, tasks, since, size))
    finally:
        store.close()


def _print(report: dict[str, Any], output: str | None) -> None:
    from workbench.console import out, print_table

    groups = report["groups"]
    for group in groups[:SHOWN]:
        first, *more = group["in_words"]
        out.print(first, markup=False, style="bold")
        for sentence in more:
            out.print(f"  {sentence}", markup=False)
        print_table(
            ("answered", "right", "input")
            if group["kind"] == "judged"
            else ("ended with", "on", "input"),
            [_example(group["kind"], row) for row in group["examples"][:SHOWN_EXAMPLES]],
        )
        out.print()
    if len(groups) > SHOWN:
        out.print(f"and {len(groups) - SHOWN} more groups, with --json or --output", style="dim")
    if report["skipped"]:
        out.print(f"{report['skipped']:,} rows were left out:", style="yellow")
        for problem in report["problems"][:5]:
            out.print(f"  {problem}", markup=False)
    out.print(
        f"{report['failed']:,} of {report['rows']:,} rows failed, in {len(groups)} groups; "
        f"{report['without_failures']} groups have no failure; {report['seconds']:.1f} s",
        style="dim",
    )
    if output is not None:
        out.print(
            f"{output}: groups.parquet, summary.json, and every failure as part-*.parquet.",
            markup=False,
            style="dim",
        )


def _example(kind: str, row: dict[str, Any]) -> tuple[str, str, str]:
    given = re.sub(r"\s+", " ", str(row["input"]))[:80]
    if kind == "judged":
        answered = row["answered"] if row["status"] == "success" else f"({row['status']})"
        return str(answered)[:40], str(row["expected"])[:40], given
    return str(row["error"] or row["status"])[:60], str(row["deployment"]), given
