"""Serves the hub's application under uvicorn, with what many long connections ask for.

It knows no route; which address may be used is decided before.
"""

from __future__ import annotations

import logging
import resource
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import uvicorn

from runtime.tls.settings import ServerTls

#: How long a peer may take nothing of what is sent before the kernel ends the connection: nobody
#: else can, as a transport that is closed first waits until all is taken (RFC 5482).
SECONDS_TO_TAKE = 30
BACKLOG = 2048
#: How long a connection may be idle: longer than clients keep one (httpx 5 s, aiohttp 15 s), as a
#: request that is under way while the hub closes its connection fails.
SECONDS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hub is served, and with which certificates, read from which files."""

    host: str
    port: int
    context: ssl.SSLContext | None
    files: ServerTls | None


def serve_alone(app: Any, address: Address) -> None:
    """Serve by this process until told to stop. Exits, as uvicorn does, when the address is in
    use."""
    config = serving(app, address)
    uvicorn.Server(config).run([with_options(config.bind_socket())])


def serving(app: Any, address: Address, log_level: str | None = None) -> uvicorn.Config:
    """How the hub is served. Raises OSError."""
    context = address.context
    config = uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        access_log=False,
        log_level=log_level,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=SECONDS_KEPT,
        ws="websockets-sansio",
        # Its notices are short, and a compressor for each box is most of what a box costs.
        ws_per_message_deflate=False,
        # The protocol has pings of its own.
        ws_ping_interval=None,
        ssl_context_factory=None if context is None else lambda config, default: context,
    )
    logging.getLogger("uvicorn.error").addFilter(_tells_no_token)
    # Each box that is connected is an open file.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return config


def with_options(listener: socket.socket) -> socket.socket:
    """The socket; what is accepted on it inherits how long a peer may take nothing."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        option = socket.TCP_USER_TIMEOUT
        listener.setsockopt(socket.IPPROTO_TCP, option, SECONDS_TO_TAKE * 1000)
    return listener


def _tells_no_token(record: logging.LogRecord) -> bool:
    """False for uvicorn's lines on WebSockets: they hold the query, where browsers put the key."""
    return '"WebSocket %s"' not in str(record.msg)
