"""`retention`: what of the past is compressed and deleted, now or in a rehearsal."""

from __future__ import annotations

from typing import Any

import click

from runtime.clock import utc_now
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import NotFoundError, Problem

SHOWN = 50


@click.group("retention", help="What is kept of the past: compress, delete, prune.")
def command() -> None:
    pass


@command.command("run", help="Do now what the steward does every hour.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@data_dir_option
@json_option
def run(dry_run: bool, data_dir: DataDir, as_json: bool) -> int:
    from runtime.retention.run import run_retention

    if not data_dir.root.is_dir():
        raise NotFoundError(
            Problem(
                f"there is no data directory at {data_dir.root}.",
                remedy="Name it with --data-dir or LOOPAI_DATA_DIR.",
            )
        )
    config = load_deployment(data_dir.deployment_file)
    outcome = run_retention(data_dir, config, utc_now(), dry_run=dry_run).as_json()
    if as_json:
        print_json(outcome)
    else:
        click.echo("\n".join(describe(outcome)))
    for problem in outcome["problems"]:
        click.echo(f"error: {problem}", err=True)
    return EXIT_NO if outcome["problems"] else 0


def describe(outcome: dict[str, Any]) -> list[str]:
    """The outcome as lines of text."""
    would = "would be " if outcome["dry_run"] else ""
    lines = []
    for title, name in ((f"{would}compressed", "compressed"), (f"{would}deleted", "deleted")):
        entries = outcome[name]
        total = sum(entry["bytes"] for entry in entries)
        lines.append(f"{len(entries)} files {title} ({_size(total)})")
        lines += [_line(entry) for entry in entries[:SHOWN]]
        if len(entries) > SHOWN:
            lines.append(f"  and {len(entries) - SHOWN} more")
    versions = outcome["versions"]
    lines.append(f"{len(versions)} versions {would}removed")
    lines += [f"  {entry['task']} v{entry['version']}" for entry in versions]
    if outcome["kept"]:
        lines.append(f"{len(outcome['kept'])} files stay although their time has come")
        lines += [f"  {entry['file']}: {entry['reason']}" for entry in outcome["kept"][:SHOWN]]
    freed = f"{_size(outcome['bytes_freed'])} of {_size(outcome['bytes_before'])}"
    lines.append(f"{'at least ' if outcome['dry_run'] else ''}{freed} {would}freed")
    return lines


def _line(entry: dict[str, Any]) -> str:
    sizes = _size(entry["bytes"])
    if "bytes_after" in entry:
        sizes += f" -> {_size(entry['bytes_after'])}"
    return f"  {entry['file']}  {sizes}  ({entry['reason']})"


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
