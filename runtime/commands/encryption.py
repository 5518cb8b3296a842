"""`encryption`: make a key, see what is kept under which, bring all under the current one."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, NotFoundError, Problem


@click.group("encryption", help="Encryption at rest: keys, what is under which, rotation.")
def command() -> None:
    pass


@command.command("new-key", help="Make a key and write it to a file that only you can read.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def make_key(file: Path) -> None:
    from runtime.encryption.keys import new_key

    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise InvalidInputError(
            Problem("there is a file of this name.", file, remedy="A key is never overwritten.")
        ) from None
    with os.fdopen(handle, "w") as target:
        target.write(new_key() + "\n")
        target.flush()
        os.fsync(target.fileno())
    click.echo(f"encryption:\n  key: {{file: {file.absolute()}}}")
    click.echo("Keep a copy elsewhere: without it nothing that it encrypts can be read.", err=True)


@command.command("status", help="What is kept under which key. Exit code 1 when some is not.")
@data_dir_option
@json_option
def status(data_dir: DataDir, as_json: bool) -> int:
    from runtime.encryption.rotate import PLAIN, standing

    _check_folder(data_dir)
    found = standing(data_dir)
    if as_json:
        print_json(found.as_json())
        return 0 if found.done else EXIT_NO
    click.echo(f"key: {found.key or 'none, everything is kept plain'}")
    for what, counts in (("files", found.files), ("values in the database", found.values)):
        for key, count in sorted(counts.items()):
            how = "plain" if key == PLAIN else f"under {key}"
            click.echo(f"{what} {how}: {count}")
    if not found.done:
        click.echo("Not all of it is under the key: loopai-runtime encryption rotate", err=True)
    return 0 if found.done else EXIT_NO


@command.command("rotate", help="Encrypt with the current key all that is not, old keys or plain.")
@data_dir_option
@json_option
def rotate_all(data_dir: DataDir, as_json: bool) -> int:
    from runtime.encryption.rotate import rotate

    _check_folder(data_dir)

    def progress(text: str) -> None:
        if not as_json:
            click.echo(f"  {text}", err=True)

    done = rotate(data_dir, progress)
    if as_json:
        print_json({"files": done.files, "values": done.values, "left": done.left})
    else:
        click.echo(f"{done.files} files and {done.values} values were encrypted anew.")
        for left in done.left:
            click.echo(f"left: {left}", err=True)
    return EXIT_NO if done.left else 0


def _check_folder(data_dir: DataDir) -> None:
    if not data_dir.root.is_dir():
        raise NotFoundError(
            Problem(
                f"there is no data directory at {data_dir.root}.",
                remedy="Name it with --data-dir or LOOPAI_DATA_DIR.",
            )
        )
