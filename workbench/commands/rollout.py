"""`loopai rollout`: how far a staged promotion is and why, and a person's word in it."""

from __future__ import annotations

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.rollout.control import ACTS, act, retry
from runtime.rollout.document import (
    find_rollout,
    past_rollouts,
    read_rollout,
    tasks_with_rollout,
)
from runtime.rollout.rollout import Rollout
from runtime.tasks import load_task
from workbench.console import out, print_table
from workbench.rollout_picture import print_rollout, print_whether_watched

HELP = {
    "pause": "Stay at this share. Evidence is gathered on, and worse still rolls back.",
    "resume": "Go on with the evidence there is, for as long as was left.",
    "skip": "Go to the next stage without waiting for this one's evidence.",
    "abort": "Back to the baseline for everyone.",
}


@click.group("rollout", help="Staged promotions: how far, why, and your word in it.")
def command() -> None:
    pass


@command.command("list", help="The last rollout of each task.")
@data_dir_option
@json_option
def list_rollouts(data_dir: DataDir, as_json: bool) -> None:
    found = [read_rollout(data_dir, task) for task in tasks_with_rollout(data_dir)]
    rollouts = [rollout for rollout in found if rollout is not None]
    if as_json:
        print_json([rollout.model_dump(mode="json") for rollout in rollouts])
    elif not rollouts:
        out.print("No version was promoted in stages yet.")
        out.print("Begin with: loopai promote TASK VERSION --staged")
    else:
        print_table(
            ("task", "from", "to", "state", "share", "since", "reason"),
            [_row(rollout) for rollout in rollouts],
        )


@command.command("show", help="A task's last rollout: stage, evidence, and every step.")
@click.argument("task")
@click.option("--past", is_flag=True, help="Also the rollouts before it.")
@data_dir_option
@json_option
def show(task: str, past: bool, data_dir: DataDir, as_json: bool) -> None:
    load_task(data_dir, task, with_examples=False)
    rollout = find_rollout(data_dir, task)
    before = past_rollouts(data_dir, task) if past else []
    if as_json:
        shown = rollout.model_dump(mode="json")
        earlier = [known.model_dump(mode="json") for known in before]
        print_json({**shown, "past": earlier} if past else shown)
        return
    print_rollout(rollout)
    if rollout.live:
        print_whether_watched(data_dir)
    if before:
        out.print()
        print_table(
            ("before", "from", "to", "state", "share", "since", "reason"),
            [_row(known) for known in reversed(before)],
        )


@command.command("retry", help="Begin anew: other callers first, no evidence yet.")
@click.argument("task")
@click.option("--reason", default="", help="Kept in the rollout's history.")
@data_dir_option
@json_option
def try_again(task: str, reason: str, data_dir: DataDir, as_json: bool) -> None:
    _tell(retry(data_dir, task, reason=reason), as_json)


def _add(name: str) -> None:
    @command.command(name, help=HELP[name])
    @click.argument("task")
    @click.option("--reason", default="", help="Kept in the rollout's history.")
    @data_dir_option
    @json_option
    def change(task: str, reason: str, data_dir: DataDir, as_json: bool) -> None:
        _tell(act(data_dir, task, name, reason=reason), as_json)


for _name in ACTS:
    _add(_name)


def _tell(rollout: Rollout, as_json: bool) -> None:
    if as_json:
        print_json(rollout.model_dump(mode="json"))
        return
    share = f"v{rollout.candidate} gets {rollout.percent} % of callers"
    if not rollout.percent:
        share = f"v{rollout.baseline} serves everyone"
    out.print(f"{rollout.task}: {rollout.state.replace('_', ' ')}; {share}.", markup=False)


def _row(rollout: Rollout) -> tuple[str, ...]:
    return (
        rollout.task,
        f"v{rollout.baseline}",
        f"v{rollout.candidate}",
        rollout.state.replace("_", " "),
        f"{rollout.percent} %",
        rollout.history[-1].at.strftime("%Y-%m-%d %H:%M:%S") if rollout.history else "-",
        rollout.reason,
    )
