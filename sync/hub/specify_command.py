"""`loopai hub specify`: how a task is meant now, in words and examples, as its owner says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runtime.command_line import json_option, print_json
from runtime.data_dir import DataDir
from sync.hub.options import asked_hub

if TYPE_CHECKING:
    from sync.hub_client import HubClient

no_examples_option = click.option(
    "--no-examples", is_flag=True, help="Keep the task's examples here: the hub learns without."
)


@click.command("specify", help="Tell a hub how a task is meant now: what it improves from.")
@click.argument("task")
@no_examples_option
@asked_hub
@json_option
def command(hub: HubClient, data_dir: DataDir, task: str, no_examples: bool, as_json: bool) -> None:
    answer = specify(hub, data_dir, task, no_examples=no_examples)
    if as_json:
        print_json(answer)
        return
    known = "" if answer["changed"] else " It had them already."
    click.echo(f"{task}: the hub has its specification and {answer['examples']} examples.{known}")


def specify(
    client: HubClient, data_dir: DataDir, task: str, *, no_examples: bool
) -> dict[str, Any]:
    """Send a task's YAML and its examples; returns what the hub says of them.

    Raises LoopaiError, for a task that is not sound before anything is sent.
    """
    from runtime.models import Example
    from runtime.tasks import example_line, load_task

    found = () if no_examples else load_task(data_dir, task).examples
    # Where a single example came from is this box's own business.
    plain = (Example(input=one.input, output=one.output) for one in found)
    examples = "".join(example_line(one) + "\n" for one in plain)
    return client.specify(task, data_dir.task_file(task).read_text("utf-8"), examples)
