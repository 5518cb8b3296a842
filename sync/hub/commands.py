"""`loopai hub`: run the shared hub, make its keys, publish versions to one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtime.command_line import json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from sync.hub.backup_commands import backup, restore
from sync.hub.improvement.commands import command as improvement
from sync.hub.look_commands import audit, deployments, figures, tickets, versions
from sync.hub.options import asked_hub, database_option, folder_option
from sync.hub.rows_command import command as rows
from sync.hub.specify_command import command as specify_command
from sync.hub.specify_command import no_examples_option, specify
from sync.hub.start_command import command as start

if TYPE_CHECKING:
    from sync.hub_client import HubClient

SCOPES = ("edge", "publish", "execute", "read", "admin")


@click.group("hub", help="The shared hub: start it, make keys, publish to it, back it up.")
def command() -> None:
    pass


@command.group("keys", help="Keys of the hub: whose they are and what they may do.")
def keys() -> None:
    pass


@keys.command("create", help="Make a key for a tenant and show it, this once.")
@click.argument("name")
@click.option("--tenant", required=True, help="Whose key it is; made when it is new.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("edge",),
    show_default=True, help="What the key may do; may be given several times.",
)  # fmt: skip
@folder_option
@database_option
@json_option
def create_key(
    name: str,
    tenant: str,
    scopes: tuple[str, ...],
    folder: Path,
    database: str | None,
    as_json: bool,
) -> None:
    from sync.hub.app import open_hub
    from sync.hub.hub_keys import HubKeys

    store, _ = open_hub(folder, database)
    identity, key = HubKeys(store).create(tenant, name, scopes)
    if as_json:
        print_json({"id": identity, "tenant": tenant, "scopes": list(scopes), "key": key})
        return
    click.echo(key)
    click.echo("Keep it now: it is stored only as a hash and cannot be shown again.", err=True)


@keys.command("list", help="The keys there are; none of them can be read back.")
@click.option("--tenant", help="Only this one's.")
@folder_option
@database_option
@json_option
def list_keys(tenant: str | None, folder: Path, database: str | None, as_json: bool) -> None:
    from sync.hub.app import open_hub
    from sync.hub.hub_keys import HubKeys

    found = HubKeys(open_hub(folder, database)[0]).listed(tenant)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("There are no keys. Make one with: loopai hub keys create NAME --tenant TENANT")
    for key in found:
        scopes = key["scopes"]
        assert isinstance(scopes, list)
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else ", ".join(scopes)
        click.echo(f"{key['id']}  {key['tenant']}  {key['name']}  ({state})")


@keys.command("revoke", help="Refuse a key from now on.")
@click.argument("key_id")
@folder_option
@database_option
@json_option
def revoke_key(key_id: str, folder: Path, database: str | None, as_json: bool) -> None:
    from sync.hub.app import open_hub
    from sync.hub.hub_keys import HubKeys

    HubKeys(open_hub(folder, database)[0]).revoke(key_id)
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        click.echo(f"{key_id} is revoked.")


@command.command("publish", help="Upload a version of a task to a hub, which tells its boxes.")
@click.argument("task")
@click.argument("version")
@click.option("--note", default="", help="What is new in it.")
@no_examples_option
@json_option
@asked_hub
def publish(
    task: str,
    version: str,
    note: str,
    no_examples: bool,
    as_json: bool,
    hub: HubClient,
    data_dir: DataDir,
) -> None:
    from runtime.artifacts import ArtifactStore

    number = version.removeprefix("v")
    if not number.isdecimal():
        raise InvalidInputError(Problem(f"{version!r} is no version such as v3."))
    package = ArtifactStore(data_dir).zip_bytes(task, int(number))
    specification = data_dir.task_file(task).read_text("utf-8")
    specify(hub, data_dir, task, no_examples=no_examples)
    answer = hub.publish(
        task,
        {
            "package": base64.b64encode(package).decode(),
            "specification": specification,
            "note": note,
        },
    )
    if as_json:
        print_json(answer)
        return
    told = answer["notified"]
    also = ", and what else serves the hub tells its own" if answer.get("relayed") else ""
    click.echo(f"{task} v{answer['version']} is published; {told} connected boxes were told{also}.")


for more in (
    backup, restore, deployments, versions, figures, tickets, audit, improvement, specify_command,
    rows, start,
):  # fmt: skip
    command.add_command(more)
