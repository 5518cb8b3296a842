"""`loopai promote`: the running box takes the version up within a second, without a restart."""

from __future__ import annotations

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from workbench.commands.version_argument import VERSION
from workbench.console import out


@click.command("promote", help="Make a version the one that serves.")
@click.argument("task")
@click.argument("version", type=VERSION)
@click.option("--reason", default="", help="Kept in the task's history.")
@data_dir_option
@json_option
def command(task: str, version: int, reason: str, data_dir: DataDir, as_json: bool) -> None:
    before = ArtifactStore(data_dir).activate(task, version, reason=reason)
    if as_json:
        print_json({"task": task, "active": version, "before": before})
    else:
        was = f" (before: v{before})" if before else ""
        out.print(f"{task} now serves v{version}{was}.", markup=False)
