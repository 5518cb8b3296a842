"""Serves the hub's application under uvicorn, with what many long connections ask for.

It knows no route; which address may be used is decided before.
"""

from __future__ import annotations

import logging
import resource
import socket
import ssl
from typing import Any

import uvicorn

#: How long a peer may take nothing of what is sent before the kernel ends the connection: nobody
#: else can, as a transport that is closed first waits until all is taken (RFC 5482).
SECONDS_TO_TAKE = 30
BACKLOG = 2048


def serving(app: Any, host: str, port: int, context: ssl.SSLContext | None) -> uvicorn.Config:
    """How the hub is served. Raises OSError, and what uvicorn does about an address in use."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
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


def listen(config: uvicorn.Config) -> socket.socket:
    """The socket to serve on; what is accepted on it inherits its options."""
    listener = config.bind_socket()
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        option = socket.TCP_USER_TIMEOUT
        listener.setsockopt(socket.IPPROTO_TCP, option, SECONDS_TO_TAKE * 1000)
    return listener


def _tells_no_token(record: logging.LogRecord) -> bool:
    """False for uvicorn's lines on WebSockets: they hold the query, where browsers put the key."""
    return '"WebSocket %s"' not in str(record.msg)
