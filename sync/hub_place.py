"""`--hub FOLDER`: lets a command act as the hub whose folder it is, instead of as a box."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from runtime.errors import InvalidInputError, Problem

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HubPlace:
    """One tenant of the hub in `folder`, whose database is there unless `database` says else."""

    folder: Path
    database: str | None
    tenant: str


def hub_options(command: F) -> F:
    """Add `--hub`, `--database` and `--tenant`, given to the command as `hub: HubPlace | None`."""

    @functools.wraps(command)
    def wrapped(hub: Path | None, database: str | None, tenant: str | None, **given: Any) -> Any:
        if hub is None:
            if tenant is not None:
                raise InvalidInputError(Problem("--tenant is for a hub: give --hub FOLDER too."))
            return command(hub=None, **given)
        if tenant is None:
            raise InvalidInputError(
                Problem("for which tenant of the hub?", remedy="Name it with --tenant.")
            )
        if not hub.is_dir():
            raise InvalidInputError(
                Problem("there is no hub.", hub, remedy="Start one: loopai hub start --folder.")
            )
        return command(hub=HubPlace(hub, database, tenant), **given)

    folder = click.option(
        "--hub", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
        help="Act as the hub in this folder, not as a box.",
    )  # fmt: skip
    url = click.option(
        "--database", metavar="URL", envvar="LOOPAI_HUB_DATABASE", show_envvar=True,
        help="The hub's database, where it is not in its folder.",
    )  # fmt: skip
    name = click.option("--tenant", metavar="NAME", help="Whose versions and boxes, at a hub.")
    return folder(url(name(wrapped)))  # type: ignore[return-value]
