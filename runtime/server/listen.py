"""Where a server listens: the socket, what to call it, and whether strangers can reach it."""

from __future__ import annotations

import ipaddress
import socket

from runtime.errors import LoopaiError, Problem

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Raises LoopaiError when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LoopaiError(
            Problem(f"cannot listen on {host}: {error.strerror}.", remedy="Choose another --host.")
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # At once, so that a second runtime on this port fails before it loads anything.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LoopaiError(
            Problem(
                f"cannot listen on {host} port {port}: {error.strerror}.",
                remedy="Stop what uses it, or choose another --port (0 takes a free one).",
            )
        ) from None
    return listener


def url_of(host: str, listener: socket.socket, *, tls: bool = False) -> str:
    """The address to call, as a URL."""
    port = listener.getsockname()[1]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
