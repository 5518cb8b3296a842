"""`data export` and `data erase`: one person's records, handed out or erased."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from runtime.clock import utc_now
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, open_atomic
from runtime.tasks import load_task

where_option = click.option(
    "--where",
    "where",
    multiple=True,
    required=True,
    metavar="CONDITION",
    help="input.FIELD=VALUE, or input.FIELD~TEXT for a text that contains it; several must all "
    "hold. Also output, oracle_output and execution_id.",
)


@click.group("data", help="One person's records: export, erase.")
def command() -> None:
    pass


@command.command("export", help="Hand out all that is kept of some records, a JSON value a line.")
@click.argument("task")
@where_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@data_dir_option
@json_option
def export(
    task: str, where: tuple[str, ...], output: Path | None, data_dir: DataDir, as_json: bool
) -> int:
    from runtime.erasure.audit import append_audit
    from runtime.erasure.condition import parse_conditions
    from runtime.erasure.search import find_records

    load_task(data_dir, task, with_examples=False)
    conditions = parse_conditions(where)
    records = find_records(data_dir, task, conditions, progress())
    count = 0
    if output is None:
        for record in records:
            count += 1
            click.echo(json.dumps(record, ensure_ascii=False))
    else:
        with open_atomic(output, private=True) as file:
            for record in records:
                count += 1
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    hidden = [condition.hidden() for condition in conditions]
    append_audit(data_dir, "export", utc_now(), task=task, where=hidden, records=count)
    if output is not None and as_json:
        print_json({"records": count, "file": str(output)})
    else:
        click.echo(f"records of {task}: {count:,}", err=True)
    return 0 if count else EXIT_NO


@command.command("erase", help="Erase records from logs, samples, examples and statistics.")
@click.argument("task")
@where_option
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
@json_option
def erase_records(
    task: str,
    where: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    from runtime.erasure.condition import parse_conditions
    from runtime.erasure.erase import erase
    from runtime.erasure.search import find_records

    load_task(data_dir, task, with_examples=False)
    conditions = parse_conditions(where)
    if dry_run or not yes:
        counts: dict[str, int] = {}
        for record in find_records(data_dir, task, conditions, progress()):
            counts[record["kind"]] = counts.get(record["kind"], 0) + 1
        if dry_run:
            if as_json:
                print_json({"dry_run": True, "records": counts})
            else:
                click.echo(f"would be erased: {_counted(counts)}")
            return 0 if counts else EXIT_NO
        click.confirm(f"Erase {_counted(counts)} of {task} for good?", abort=True, err=True)
    erased = erase(data_dir, task, conditions, utc_now(), progress())
    if as_json:
        print_json(erased.as_json())
    else:
        counts = {name: count for name, count in erased.as_json().items() if name != "days"}
        click.echo(f"erased: {_counted(counts)}")
        if erased.days:
            click.echo(f"statistics derived again: {', '.join(erased.days)}")
        click.echo("Programs that were made already, and backups, are as they were.")
    return 0 if erased.total else EXIT_NO


def progress() -> Callable[[str], None]:
    """Says on a terminal which file is being read."""
    if not sys.stderr.isatty():
        return lambda text: None
    return lambda text: click.echo(f"\r\x1b[K{text}\r", nl=False, err=True)


def _counted(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return shown or "nothing"
