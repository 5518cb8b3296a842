"""`loopai-runtime version`."""

from __future__ import annotations

import platform
from importlib.metadata import version

import click

from runtime.command_line import json_option, print_json


@click.command("version", help="Which release this is.")
@json_option
def command(as_json: bool) -> None:
    release = version("loopai-workbench")
    if as_json:
        print_json({"version": release, "python": platform.python_version()})
    else:
        click.echo(f"loopai-runtime {release} (Python {platform.python_version()})")
