"""`loopai-runtime health`: whether a server on this machine answers, for a container engine."""

from __future__ import annotations

import http.client
import ssl

import click

from runtime.command_line import EXIT_NO


@click.command(
    "health",
    help="Ask the server on this machine how it is: exit code 0 when it answers well, else 1.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    envvar="LOOPAI_PORT",
    show_envvar=True,
)
@click.option("--path", default="/ready", show_default=True, help="/health: is it there at all.")
@click.option("--timeout", "seconds", type=float, default=4.0, show_default=True)
@click.option("--tls/--no-tls", default=None, help="(default: TLS where it answers nothing else)")
def command(port: int, path: str, seconds: float, tls: bool | None) -> int:
    for secure in (False, True) if tls is None else (tls,):
        try:
            status = _status(port, path, seconds, secure)
        except (OSError, http.client.HTTPException) as error:
            told = f"nothing answers at port {port}: {error}"
            continue
        click.echo(f"{path}: {status}")
        return 0 if status == 200 else EXIT_NO
    click.echo(told, err=True)
    return EXIT_NO


def _status(port: int, path: str, seconds: float, secure: bool) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    if secure:
        # It is this very machine, and its certificate bears the name that others call it by.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=seconds, context=context
        )
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
