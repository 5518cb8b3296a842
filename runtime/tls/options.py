"""The options by which a command that serves is told its certificate files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runtime.tls.settings import ServerTls

_FILE = click.Path(path_type=Path, dir_okay=False)


def server_tls_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--tls-cert`, `--tls-key` and `--tls-client-ca`; the command gets them as `tls`, None
    where none is given."""

    @functools.wraps(command)
    def with_tls(
        *given: Any,
        tls_cert: Path | None,
        tls_key: Path | None,
        tls_client_ca: Path | None,
        **options: Any,
    ) -> Any:
        files = ServerTls(cert=tls_cert, key=tls_key, client_ca=tls_client_ca)
        return command(*given, tls=None if files == ServerTls() else files, **options)

    for name, help_text in (
        ("client-ca", "Refuse whoever shows no certificate signed by one of these (PEM)."),
        ("key", "The certificate's private key (PEM)."),
        ("cert", "Serve HTTPS, TLS 1.3 only, with this certificate (PEM, its chain after it)."),
    ):
        variable = f"LOOPAI_TLS_{name.upper().replace('-', '_')}"
        add = click.option(
            f"--tls-{name}", type=_FILE, envvar=variable, show_envvar=True, help=help_text
        )
        with_tls = add(with_tls)
    return with_tls
