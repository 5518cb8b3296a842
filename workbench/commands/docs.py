"""`loopai docs`: the manual, in a browser, with no network."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from runtime.command_line import json_option, print_json
from workbench.console import out
from workbench.console import progress as progress_console
from workbench.documentation.building import build_manual, kept_manual


@click.command("docs", help="Open the manual: tutorial, how-tos, reference. No network is needed.")
@click.option(
    "--build", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="Write it as HTML into this folder instead.",
)  # fmt: skip
@click.option("--no-open", is_flag=True, help="Only say where it is.")
@json_option
def command(folder: Path | None, no_open: bool, as_json: bool) -> None:
    with progress_console.status("building the manual"):
        first = build_manual(folder.absolute()) if folder else kept_manual()
    opened = not (no_open or folder or as_json) and webbrowser.open(first.as_uri())
    if as_json:
        print_json({"page": str(first)})
    else:
        out.print(str(first) if not opened else f"Opened {first}", markup=False)
