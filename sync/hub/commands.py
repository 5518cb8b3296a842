"""`loopai hub`: run the shared hub, make its keys, publish versions to one, back it up."""

from __future__ import annotations

import base64
import ipaddress
import sqlite3
from pathlib import Path

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.tls.options import server_tls_options
from runtime.tls.settings import ServerTls

FOLDER = "loopai-hub"
SCOPES = ("edge", "publish", "execute", "read", "admin")
DEFAULT_PORT = 8090

_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    envvar="LOOPAI_HUB_FOLDER",
    show_envvar=True,
    show_default=True,
    help="Where the hub keeps its signing key, and its database unless --database says else.",
)
_database = click.option(
    "--database",
    metavar="URL",
    envvar="LOOPAI_HUB_DATABASE",
    show_envvar=True,
    help="postgresql://USER:PASSWORD@HOST/NAME; without, SQLite in the folder.",
)


@click.group("hub", help="The shared hub: start it, make keys, publish to it, back it up.")
def command() -> None:
    pass


@command.command("start", help="Serve the hub until told to stop.")
@_folder
@_database
@click.option("--host", default="127.0.0.1", show_default=True, envvar="LOOPAI_HUB_HOST")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True)
@click.option("--origin", "origins", multiple=True, help="A web page's origin that may connect.")
@click.option(
    "--per-minute",
    type=click.IntRange(1),
    default=6000,
    show_default=True,
    help="Requests of each key.",
)
@click.option(
    "--executions-per-minute",
    type=click.IntRange(1),
    default=60_000,
    show_default=True,
    help="Executions of each key, beside its other requests; a batch counts as one.",
)
@server_tls_options
@click.option("--insecure", is_flag=True, help="Serve beyond loopback without TLS.")
def start(
    folder: Path,
    database: str | None,
    host: str,
    port: int,
    origins: tuple[str, ...],
    per_minute: int,
    executions_per_minute: int,
    tls: ServerTls | None,
    insecure: bool,
) -> None:
    import uvicorn

    from runtime.tls.contexts import server_context
    from sync.hub.app import make_app, open_hub
    from sync.hub.renewed_certificates import taken_up_on_sighup

    if not _is_loopback(host) and tls is None and not insecure:
        raise InvalidInputError(
            Problem(
                f"keys would travel in the clear to {host}.",
                remedy="Give --tls-cert and --tls-key, or --insecure behind a proxy with TLS.",
            )
        )
    context = None if tls is None else server_context(tls)
    store, key = open_hub(folder, database)
    app = make_app(
        store, key, folder, origins=origins, per_minute=per_minute, executions=executions_per_minute
    )
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ssl_context_factory=None if context is None else lambda config, default: context,
    )
    click.echo(f"signing key {key.id}: boxes can be told to trust {key.public}", err=True)
    with taken_up_on_sighup(context, tls):
        uvicorn.Server(config).run()


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
@_folder
@_database
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
@_folder
@_database
@json_option
def list_keys(folder: Path, database: str | None, as_json: bool) -> None:
    from sync.hub.app import open_hub
    from sync.hub.hub_keys import HubKeys

    found = HubKeys(open_hub(folder, database)[0]).listed()
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
@_folder
@_database
def revoke_key(key_id: str, folder: Path, database: str | None) -> None:
    from sync.hub.app import open_hub
    from sync.hub.hub_keys import HubKeys

    HubKeys(open_hub(folder, database)[0]).revoke(key_id)
    click.echo(f"{key_id} is revoked.")


@command.command("publish", help="Upload a version of a task to a hub, which tells its boxes.")
@click.argument("task")
@click.argument("version")
@click.option("--url", required=True, envvar="LOOPAI_HUB_URL", show_envvar=True)
@click.option("--api-key", required=True, envvar="LOOPAI_API_KEY", show_envvar=True)
@click.option("--note", default="", help="What is new in it.")
@data_dir_option
@json_option
def publish(
    task: str, version: str, url: str, api_key: str, note: str, data_dir: DataDir, as_json: bool
) -> None:
    from runtime.artifacts import ArtifactStore
    from runtime.config import load_deployment
    from sync.hub_client import HubClient, hub_tls

    number = version.removeprefix("v")
    if not number.isdecimal():
        raise InvalidInputError(Problem(f"{version!r} is no version such as v3."))
    package = ArtifactStore(data_dir).zip_bytes(task, int(number))
    specification = data_dir.task_file(task).read_text("utf-8")
    tls = hub_tls(load_deployment(data_dir.deployment_file).cloud.tls)
    with HubClient(url, api_key, tls=tls) as client:
        answer = client.publish(
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
    click.echo(f"{task} v{answer['version']} is published; {told} connected boxes were told.")


@command.command("backup", help="Copy the embedded database and the signing key while it runs.")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@_folder
def backup(target: Path, folder: Path) -> None:
    from sync.hub.store import FILE_NAME
    from sync.own_key import KEY_FILE, STATEMENTS_FILE

    source = folder / FILE_NAME
    if not source.exists():
        raise LoopaiError(
            Problem("there is no hub database.", source, remedy="PostgreSQL: use pg_dump.")
        )
    if target.exists() and any(target.iterdir()):
        raise InvalidInputError(Problem("the folder is not empty.", target))
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = target / f".{FILE_NAME}"
    with sqlite3.connect(source) as live, sqlite3.connect(beside) as copy:
        live.backup(copy, pages=1000)
    if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        raise LoopaiError(Problem("the copy is damaged.", beside))
    live.close()
    copy.close()
    write_atomic(target / KEY_FILE, (folder / KEY_FILE).read_bytes(), private=True)
    if (folder / STATEMENTS_FILE).exists():
        write_atomic(target / STATEMENTS_FILE, (folder / STATEMENTS_FILE).read_bytes())
    beside.replace(target / FILE_NAME)
    click.echo(f"Backed up to {target}. Start from it with: loopai hub start --folder {target}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
