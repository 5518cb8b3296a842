"""Options that several commands of `loopai hub` share, and the hub they ask."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runtime.command_line import data_dir_option
from runtime.data_dir import DataDir

if TYPE_CHECKING:
    from sync.hub_client import HubClient

FOLDER = "loopai-hub"

F = TypeVar("F", bound=Callable[..., Any])

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    envvar="LOOPAI_HUB_FOLDER",
    show_envvar=True,
    show_default=True,
    help="Where the hub keeps its signing key, what it executes, and its database unless "
    "--database says else.",
)
database_option = click.option(
    "--database",
    metavar="URL",
    envvar="LOOPAI_HUB_DATABASE",
    show_envvar=True,
    help="postgresql://USER:PASSWORD@HOST/NAME; without, SQLite in the folder.",
)


def asked_hub(command: F) -> F:
    """Add `--url`, `--api-key` and `--data-dir`, given to the command as `hub: HubClient` and
    `data_dir`: the box's settings say which certificates count."""

    @data_dir_option
    @click.option("--url", required=True, envvar="LOOPAI_HUB_URL", show_envvar=True)
    @click.option("--api-key", required=True, envvar="LOOPAI_API_KEY", show_envvar=True)
    @functools.wraps(command)
    def wrapped(url: str, api_key: str, data_dir: DataDir, **given: Any) -> Any:
        with open_client(url, api_key, data_dir) as hub:
            return command(hub=hub, data_dir=data_dir, **given)

    return wrapped  # type: ignore[return-value]


def open_client(url: str, api_key: str, data_dir: DataDir) -> HubClient:
    """A hub as this box's settings reach it. Raises LoopaiError."""
    from runtime.config import load_deployment
    from sync.hub_client import HubClient, hub_tls

    tls = hub_tls(load_deployment(data_dir.deployment_file).cloud.tls)
    return HubClient(url, api_key, tls=tls)
