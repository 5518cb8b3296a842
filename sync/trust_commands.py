"""`trust list|pin|revoke|rotate`: whose signatures count here, and the key we sign with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, NotFoundError, Problem
from sync.hub_place import HubPlace, hub_options

if TYPE_CHECKING:
    from sync.own_key import OwnKey
    from sync.signing import TrustStore


@click.group("trust", help="Whose signatures count here, and the key this box or hub signs with.")
def command() -> None:
    pass


@command.command("list", help="Show our own key, those that are trusted and those revoked.")
@hub_options
@data_dir_option
@json_option
def list_(hub: HubPlace | None, data_dir: DataDir, as_json: bool) -> None:
    trust, own = _trust(data_dir, hub), _own(data_dir, hub)
    if as_json:
        mine = {"id": own.id, "public": own.public, "before": _before(own)}
        print_json({"own": mine, "trusted": trust.keys, "revoked": trust.revoked})
        return
    click.echo(f"own key   {own.id}  {own.public}")
    for name, entry in trust.keys.items():
        click.echo(f"trusted   {name}  {entry['how']}, since {entry['since']}")
    for name, entry in trust.revoked.items():
        click.echo(f"revoked   {name}  {entry['at']}: {entry['reason']}")
    if not trust.keys and hub is None:
        click.echo("No key is trusted yet: the first that signs something is, or pin one.")


@command.command("pin", help="Trust a public key, given in base64 as `trust list` shows it.")
@click.argument("public")
@hub_options
@data_dir_option
def pin(public: str, hub: HubPlace | None, data_dir: DataDir) -> None:
    click.echo(f"{_trust(data_dir, hub).trust(public, 'pinned')} is trusted from now on.")


@command.command("revoke", help="Trust a key no more; one of our own before, tell others so.")
@click.argument("key_id")
@click.option("--reason", required=True, help="Why, for whoever meets the refusal.")
@hub_options
@data_dir_option
def revoke(key_id: str, reason: str, hub: HubPlace | None, data_dir: DataDir) -> None:
    trust, own = _trust(data_dir, hub), _own(data_dir, hub)
    if key_id in _before(own) or key_id == own.id:
        _sign_again(hub)
        own.revoke(key_id, reason)
        click.echo(f"Whoever follows {own.id} learns that {key_id} is revoked.")
        if key_id not in trust.keys:
            return
    try:
        trust.revoke(key_id, reason)
    except NotFoundError as error:
        raise InvalidInputError(Problem(str(error), remedy="See: trust list")) from None
    click.echo(f"{key_id} is never trusted here again.")
    named = trust.introduced_by(key_id)
    if named:
        click.echo(f"Trusted by its word: {', '.join(named)}. If it was stolen, revoke these too.")


@command.command("rotate", help="Sign with a new key from now on, which the old one names.")
@hub_options
@data_dir_option
@json_option
def rotate(hub: HubPlace | None, data_dir: DataDir, as_json: bool) -> None:
    own = _own(data_dir, hub)
    before = own.id
    own.rotate()
    signed = _sign_again(hub)
    if as_json:
        print_json({"before": before, "id": own.id, "public": own.public, "signed_again": signed})
        return
    click.echo(f"{own.id} signs from now on; who trusts {before} follows by itself.")
    if hub is not None:
        click.echo(f"{signed} published versions were signed again.")
    click.echo(f"Was the old key stolen? Then also: trust revoke {before} --reason ...")


def _trust(data_dir: DataDir, hub: HubPlace | None) -> TrustStore:
    if hub is None:
        from sync.updates import trust_store

        return trust_store(data_dir)
    from sync.hub.bundles import hub_trust

    return hub_trust(hub.folder, hub.tenant)


def _own(data_dir: DataDir, hub: HubPlace | None) -> OwnKey:
    from sync.own_key import OwnKey

    folder: Path = data_dir.state if hub is None else hub.folder
    return OwnKey(folder)


def _before(own: OwnKey) -> list[str]:
    """Our keys of before, oldest first."""
    signers: dict[str, Any] = {one.signature.key_id: None for one in own.statements()}
    return [name for name in signers if name != own.id]


def _sign_again(hub: HubPlace | None) -> int:
    """What a hub has published is signed with its present key, so that none before is needed."""
    if hub is None:
        return 0
    from sync.hub.app import open_hub
    from sync.hub.packages import Packages

    store, key = open_hub(hub.folder, hub.database)
    with closing(store):
        return Packages(store, key).sign_again()
