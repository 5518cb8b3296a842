"""`loopai-runtime keys`: make, list and revoke the keys that callers present."""

from __future__ import annotations

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.keys import SCOPES, KeyFile, Scope, StoredKey


@click.group("keys", help="Make, list and revoke the keys that callers present.")
def command() -> None:
    pass


@command.command("create", help="Make a key and show it, this once.")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("execute",),
    show_default=True,
    help="What the key may do; may be given several times.",
)
@data_dir_option
@json_option
def create(name: str, scopes: tuple[Scope, ...], data_dir: DataDir, as_json: bool) -> None:
    stored, key = KeyFile(data_dir.keys_file).create(name, scopes)
    if as_json:
        print_json({**_shown(stored), "key": key})
        return
    click.echo(key)
    click.echo("Keep it now: it is stored only as a hash and cannot be shown again.", err=True)


@command.command("list", help="The keys there are; none of them can be read back.")
@data_dir_option
@json_option
def list_keys(data_dir: DataDir, as_json: bool) -> None:
    keys = KeyFile(data_dir.keys_file).read()
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    if not keys:
        click.echo("There are no keys. Make one with: loopai-runtime keys create NAME")
    for key in keys:
        state = f"revoked {key.revoked_at}" if key.revoked_at else ", ".join(key.scopes)
        click.echo(f"{key.id}  {key.created_at[:19]}Z  {key.name}  ({state})")


@command.command("revoke", help="Refuse a key from now on; running servers notice at once.")
@click.argument("key_id")
@data_dir_option
@json_option
def revoke(key_id: str, data_dir: DataDir, as_json: bool) -> None:
    revoked = KeyFile(data_dir.keys_file).revoke(key_id)
    if as_json:
        print_json(_shown(revoked))
    else:
        click.echo(f"{revoked.name} ({revoked.id}) is revoked.")


def _shown(key: StoredKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
