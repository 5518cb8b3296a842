"""`loopai image`: the build context of a container image that runs programs, and the hub."""

from __future__ import annotations

from pathlib import Path

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from workbench.commands.wheelhouse import Progress
from workbench.shipping.image import EDGE, HUB, image_name, write_context
from workbench.shipping.wheelhouse import LINUX


@click.group("image", help="Make a container image that runs programs, and the hub.")
def command() -> None:
    pass


@command.command(
    "context",
    help="Write a folder to build the image from: Dockerfile, every wheel with its hash, and "
    "compose.yaml with a hub and two edge boxes. Building it fetches nothing but Debian.",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--task",
    "tasks",
    multiple=True,
    help="A task to start with, and its active version; not its examples.",
)
@click.option("--edge-only", is_flag=True, help="Without the hub, and so without compose.yaml.")
@click.option("--platform", type=click.Choice([*LINUX]), default="linux-x86_64", show_default=True)
@data_dir_option
@json_option
def context(
    folder: Path,
    tasks: tuple[str, ...],
    edge_only: bool,
    platform: str,
    data_dir: DataDir,
    as_json: bool,
) -> None:
    with Progress() as progress:
        extra = EDGE if edge_only else HUB
        write_context(folder, data_dir, tasks, extra, platform, progress.line)
    if as_json:
        print_json({"folder": str(folder), "image": image_name(), "tasks": tasks})
        return
    click.echo(f"{folder}: build it with: docker build -t {image_name()} {folder}")
