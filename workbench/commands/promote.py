"""`loopai promote`: at once for everyone, or staged, with the evidence deciding each step."""

from __future__ import annotations

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.rollout.control import activate_by_hand, start_rollout
from workbench.commands.version_argument import VERSION
from workbench.console import out
from workbench.rollout_picture import print_whether_watched


@click.command("promote", help="Make a version the one that serves, at once or in stages.")
@click.argument("task")
@click.argument("version", type=VERSION)
@click.option(
    "--staged",
    is_flag=True,
    help="First for some callers, then more: as the section rollout of deployment.yaml says.",
)
@click.option("--reason", default="", help="Kept in the task's history.")
@data_dir_option
@json_option
def command(
    task: str, version: int, staged: bool, reason: str, data_dir: DataDir, as_json: bool
) -> None:
    if staged:
        _promote_in_stages(task, version, reason, data_dir, as_json)
        return
    before = activate_by_hand(ArtifactStore(data_dir), task, version, reason=reason)
    if as_json:
        print_json({"task": task, "active": version, "before": before})
    else:
        was = f" (before: v{before})" if before else ""
        out.print(f"{task} now serves v{version}{was}.", markup=False)


def _promote_in_stages(
    task: str, version: int, reason: str, data_dir: DataDir, as_json: bool
) -> None:
    rollout = start_rollout(data_dir, task, version, reason=reason)
    if as_json:
        print_json(rollout.model_dump(mode="json"))
        return
    stages = " -> ".join(str(percent) for percent in rollout.config.stages)
    out.print(
        f"v{version} of {task} gets {rollout.percent} % of callers within a second "
        f"({stages} %); v{rollout.baseline} serves the others.",
        markup=False,
    )
    needs = "needs" if rollout.needs_agreement else "does not wait for"
    out.print(
        f"Each stage {needs} validated executions. Watch it: loopai rollout show {task}",
        markup=False,
    )
    print_whether_watched(data_dir)
