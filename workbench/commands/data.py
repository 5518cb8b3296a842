"""`loopai data`: the log of executions, its newest lines or by SQL."""

from __future__ import annotations

import csv
import sys
from typing import Any

import click
import msgspec
from rich.text import Text

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.commands.erasure import erase_records, export
from runtime.data_dir import DataDir
from runtime.datasets.reader import decode_record
from runtime.datasets.tail import LogTail
from runtime.tasks import load_task
from workbench.console import out, print_table

STYLES = {"success": "green", "error": "red", "timeout": "yellow"}


@click.group("data", help="The log of executions: tail, query, export, erase.")
def command() -> None:
    pass


command.add_command(export)
command.add_command(erase_records)


@command.command("tail", help="The newest executions of a task; -f waits for more.")
@click.argument("task")
@click.option("-n", "--lines", default=10, show_default=True, type=click.IntRange(min=0))
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines until Ctrl-C.")
@click.option("--failures", is_flag=True, help="Only errors and timeouts.")
@data_dir_option
@json_option
def tail(
    task: str, lines: int, follow: bool, failures: bool, data_dir: DataDir, as_json: bool
) -> None:
    load_task(data_dir, task, with_examples=False)
    log = LogTail(data_dir.executions(task))
    for line in log.take_last(lines):
        print_line(line, failures, as_json)
    if follow:
        for line in log.follow():
            print_line(line, failures, as_json)


def print_line(line: bytes, failures: bool, as_json: bool) -> None:
    """One line of the log for a person, or as it stands."""
    try:
        record = decode_record(line)
    except (ValueError, RecursionError):
        out.print("(a line that is no execution)", style="red")
        return
    if failures and record["status"] == "success":
        return
    if as_json:
        # One JSON value a line, as it stands in the log.
        click.echo(line.decode("utf-8", "replace"))
        return
    answer = record["error"] if record["status"] != "success" else record["output"]
    out.print(
        Text.assemble(
            (record["timestamp"][:23].replace("T", " "), "dim"),
            (f"  v{record['program_version']}  ", "dim"),
            (f"{record['status']:8}", STYLES.get(record["status"], "")),
            f"{record['latency_ms']:8.3f} ms  ",
            f"{_short(record['input'], 80)}  ->  {_short(answer, 60)}",
        )
    )


def _short(value: Any, width: int) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= width else text[: width - 3] + "..."


@command.command("query", help="SQL over the views `executions` and `examples`; reads only.")
@click.argument("sql")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@data_dir_option
@json_option
def query_log(sql: str, limit: int | None, as_csv: bool, data_dir: DataDir, as_json: bool) -> None:
    from workbench.query import query

    answer = query(data_dir, sql, limit)
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows(answer.rows)
    else:
        print_table(answer.columns, answer.rows)
