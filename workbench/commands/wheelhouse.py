"""`loopai wheelhouse`: every wheel an installation without a network needs, in one folder."""

from __future__ import annotations

import sys
from importlib.metadata import metadata
from pathlib import Path

import click

from runtime.command_line import json_option, print_json
from workbench.shipping.own_wheel import NAME
from workbench.shipping.wheelhouse import LINUX, REQUIREMENTS, Target, gather

EXTRAS = sorted(set(metadata(NAME).get_all("Provides-Extra") or ()) - {"test", "model-test"})


@click.command(
    "wheelhouse",
    help="Gather all wheels into FOLDER, each of the released version and with its hash, for a "
    "machine with no network: without --extra what an edge box needs.",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--extra", "extras", type=click.Choice(EXTRAS), multiple=True, help="More parts.")
@click.option("--python", metavar="3.N", help="For another Python than this one, such as 3.13.")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help=f"For another machine: {', '.join(LINUX)}, or a platform tag of pip.",
)
@json_option
def command(
    folder: Path,
    extras: tuple[str, ...],
    python: str | None,
    platforms: tuple[str, ...],
    as_json: bool,
) -> None:
    with Progress() as progress:
        made = gather(folder, sorted(set(extras)), Target(python, platforms), progress.line)
    if as_json:
        print_json({"folder": str(made.folder), "wheels": made.wheels, "bytes": made.size})
        return
    click.echo(f"{made.folder}: {len(made.wheels)} wheels, {made.size / 1e6:.1f} MB. Over there:")
    click.echo(
        f"  pip install --no-index --find-links {folder.name} --require-hashes"
        f" -r {folder.name}/{REQUIREMENTS}"
    )


class Progress:
    """The package pip is at: one line that changes for a person, a line each for a log."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._count = 0

    def __enter__(self) -> Progress:
        return self

    def line(self, line: str) -> None:
        if line.startswith("Collecting "):
            self._count += 1
            where = f"package {self._count}: {line.split()[1][:50]}"
            shown = f"\r\x1b[K{where}" if self._terminal else f"{where}\n"
            click.echo(shown, nl=False, err=True)

    def __exit__(self, *exception: object) -> None:
        if self._terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
