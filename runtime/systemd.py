"""Tells systemd how a service is doing (`Type=notify`); where there is no systemd, does nothing.

The protocol is sd_notify(3): one datagram of `NAME=value` lines to the socket NOTIFY_SOCKET.
"""

from __future__ import annotations

import os
import socket
import time

SOCKET = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"


def notify(*lines: str) -> bool:
    """Send lines such as `READY=1`; False when nobody listens. Never raises."""
    address = os.environ.get(SOCKET, "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(address)
            sender.sendall("\n".join(lines).encode())
    except OSError:
        return False
    return True


def notify_reloading() -> None:
    """What must precede a reload; `READY=1` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear `WATCHDOG=1`, halved for safety; None when it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return int(os.environ[WATCHDOG]) / 2e6 or None
    except (KeyError, ValueError):
        return None
