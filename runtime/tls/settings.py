"""Which certificate files there are: for a server (`runtime.tls`), for a client (`cloud.tls`)."""

from __future__ import annotations

from pathlib import Path

from runtime.models import Model


class ServerTls(Model):
    """The files a server proves itself with; with `client_ca` every client must do so too."""

    cert: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


class ClientTls(Model):
    """Whom a client trusts (`ca`; without, the usual authorities) and how it proves itself."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
