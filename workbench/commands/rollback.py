"""`loopai rollback`: back to the version that served before, or to any earlier one."""

from __future__ import annotations

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.rollout.control import roll_back_by_hand
from workbench.commands.version_argument import VERSION
from workbench.console import out


@click.command("rollback", help="Go back to the version that served before, or to VERSION.")
@click.argument("task")
@click.argument("version", type=VERSION, required=False)
@click.option("--reason", default="", help="Kept in the task's history.")
@data_dir_option
@json_option
def command(task: str, version: int | None, reason: str, data_dir: DataDir, as_json: bool) -> None:
    store = ArtifactStore(data_dir)
    before = store.active(task)
    now = roll_back_by_hand(store, task, version, reason=reason)
    if as_json:
        print_json({"task": task, "active": now, "before": before})
    elif now == before:
        out.print(f"{task} is at v{now} for everyone; its rollout has ended.", markup=False)
    else:
        out.print(f"{task} is back at v{now} (it served v{before}).", markup=False)
