"""Which certificate files there are: for a server (`runtime.tls`), for a client (`cloud.tls`)."""

from __future__ import annotations

from pathlib import Path

from runtime.models import Model


class ServerTls(Model):
    """The files a server proves itself with; with `client_ca` every client must do so too."""

    #: Its certificate (PEM), the chain after it; with it HTTPS is served, TLS 1.3 only.
    cert: Path | None = None
    #: The certificate's private key (PEM).
    key: Path | None = None
    #: Who shows no certificate signed by one of these (PEM) is refused.
    client_ca: Path | None = None


class ClientTls(Model):
    """Whom a client trusts (`ca`; without, the usual authorities) and how it proves itself."""

    #: Certificates (PEM) of whom to trust for the hub, and nobody else.
    ca: Path | None = None
    #: The certificate (PEM) to show where one is asked for.
    cert: Path | None = None
    #: That certificate's private key (PEM).
    key: Path | None = None
