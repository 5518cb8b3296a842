"""`loopai hub start`: serve the hub, by one process or by several on one address."""

from __future__ import annotations

import ipaddress
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import click

from runtime.errors import InvalidInputError, Problem
from runtime.tls.options import server_tls_options
from runtime.tls.settings import ServerTls
from sync.hub.improvement.commands import improver_reference
from sync.hub.options import database_option, folder_option

DEFAULT_PORT = 8090
MOST_WORKERS = 64
MOST_DAYS = 3650


@click.command("start", help="Serve the hub until told to stop.")
@folder_option
@database_option
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
@click.option(
    "--improve-every",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds between two looks at what boxes tell of failures; 0: never look.",
)
@click.option("--insecure", is_flag=True, help="Serve beyond loopback without TLS.")
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Processes that serve the address together; more than one needs PostgreSQL.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1, MOST_DAYS),
    help="Days of telemetry to keep; older is dropped and not taken in. Unset: all is kept.",
)
def command(
    folder: Path,
    database: str | None,
    host: str,
    port: int,
    origins: tuple[str, ...],
    per_minute: int,
    executions_per_minute: int,
    tls: ServerTls | None,
    improve_every: float,
    insecure: bool,
    workers: int,
    keep_days: int | None,
) -> int:
    from runtime.tls.contexts import server_context
    from sync.hub.app import make_app, open_hub
    from sync.hub.improvement.child import engine_process
    from sync.hub.renewed_certificates import taken_up_on_sighup
    from sync.hub.serving import Address, serve_alone
    from sync.hub.workers import serve_by_workers

    if not _is_loopback(host) and tls is None and not insecure:
        raise InvalidInputError(
            Problem(
                f"keys would travel in the clear to {host}.",
                remedy="Give --tls-cert and --tls-key, or --insecure behind a proxy with TLS.",
            )
        )
    if workers > 1 and not (database or "").startswith("postgresql"):
        raise InvalidInputError(
            Problem(
                "several workers need PostgreSQL: to SQLite only one process writes at a time.",
                remedy="Give --database postgresql://..., or leave --workers out.",
            )
        )
    context = None if tls is None else server_context(tls)
    improver = _improver(improve_every)
    store, key = open_hub(folder, database)
    store.keep(keep_days)
    click.echo(f"signing key {key.id}: boxes can be told to trust {key.public}", err=True)
    # Connections come to each worker alike, so each counts its share of what a key may ask.
    make = partial(
        make_app,
        folder=folder,
        origins=origins,
        per_minute=-(-per_minute // workers),
        executions=-(-executions_per_minute // workers),
        alone=workers == 1,
    )
    address = Address(host, port, context, tls)
    if workers == 1:
        improving = _improving_beside(folder, database, improver, improve_every)
        with taken_up_on_sighup(context, tls), improving:
            serve_alone(make(store, key), address)
        return 0
    store.close()  # each worker has its own

    def announce(served_at: int) -> None:
        click.echo(f"{workers} workers serve port {served_at}", err=True)

    engine = None
    if improver is not None:
        engine = engine_process(folder, database, improver, improve_every)
    return serve_by_workers(
        lambda: make(*open_hub(folder, database)), address, workers, engine, announce
    )


def _improver(every: float) -> str | None:
    """Who makes programs here; None where nobody does or shall."""
    if not every:
        return None
    if not isinstance(click.get_current_context().obj, str):
        click.echo("note: nothing here makes programs, so nothing is improved.", err=True)
        return None
    return improver_reference()


def _improving_beside(
    folder: Path, database: str | None, improver: str | None, every: float
) -> AbstractContextManager[None]:
    from sync.hub.improvement.child import improving_beside

    if improver is None:
        return nullcontext()
    return improving_beside(folder, database, improver, every)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
