"""`loopai hub backup` and `restore`: a hub's copy, made while it runs, and a hub made of one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from runtime.command_line import json_option, print_json
from sync.hub.options import database_option, folder_option

_tell = partial(click.echo, err=True)


@click.command("backup", help="Copy the hub to a new folder while it runs.")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@folder_option
@database_option
@json_option
def backup(target: Path, folder: Path, database: str | None, as_json: bool) -> None:
    """Database, signing key, and the logs of what it executed; from PostgreSQL too."""
    from sync.hub.backup import back_up

    back_up(folder, database, target.absolute(), _tell)
    if as_json:
        print_json({"backup": str(target)})
    else:
        click.echo(f"Backed up to {target}. Make a hub of it with: loopai hub restore {target}")


@click.command("restore", help="Make a hub of a backup, in an empty folder and database.")
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@folder_option
@database_option
@json_option
def restore(source: Path, folder: Path, database: str | None, as_json: bool) -> None:
    """With --database, rows go there: so a hub moves from SQLite to PostgreSQL, or back."""
    from sync.hub.backup import restore as make_hub

    make_hub(source, folder.absolute(), database, _tell)
    if as_json:
        print_json({"folder": str(folder)})
    else:
        click.echo(f"Restored. Start it with: loopai hub start --folder {folder}")
