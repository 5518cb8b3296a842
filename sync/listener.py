"""Hears from the hub over SignalR, and comes back when it is cut off. It only calls back.

A client of the JSON hub protocol over a WebSocket, which needs no negotiation.
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from runtime.tls.contexts import explain
from sync.backoff import seconds_to_wait

PATH = "/hubs/loopai"
SEPARATOR = "\x1e"
HANDSHAKE = '{"protocol":"json","version":1}' + SEPARATOR
PING = '{"type":6}' + SEPARATOR
PING_SECONDS = 15.0
# The hub pings every 15 s: silence for twice as long is a dead connection (HubProtocol.md).
SILENCE_SECONDS = 35.0
OPEN_SECONDS = 10.0
INVOCATION, CLOSE = 1, 7
FIRST_DELAY, MAX_DELAY = 0.5, 60.0
# A connection that ends sooner counts as a failure: a hub that drops all is not stormed.
STEADY_SECONDS = 30.0

logger = logging.getLogger("loopai.sync")

#: Gets the name of what the hub calls and its arguments.
Told = Callable[[str, list[Any]], None]


class Listener:
    """One connection in a thread of its own. `connected` says whether it stands."""

    def __init__(
        self,
        url: str,
        key: str,
        told: Told,
        opened: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`opened` is called whenever a connection is made: what was missed can be asked for."""
        parts = urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._address = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + PATH, "", ""))
        self._tls = tls if scheme == "wss" else None
        self._headers = {"Authorization": f"Bearer {key}"}
        self._told = told
        self._opened = opened
        self._stop = threading.Event()
        self._socket: ClientConnection | None = None
        self.connected = False
        self._thread = threading.Thread(target=self._run, name="hub-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it and wait until it has."""
        self._stop.set()
        socket = self._socket
        if socket is not None:
            socket.close()
        self._thread.join(OPEN_SECONDS)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._listen()
            except (OSError, WebSocketException, ValueError) as error:
                logger.info("not connected to the hub: %s", _reason(error))
            except Exception:
                logger.exception("the hub sent what nobody foresaw")
            self.connected = False
            failures = failures + 1 if time.monotonic() - started < STEADY_SECONDS else 0
            self._stop.wait(seconds_to_wait(failures, first=FIRST_DELAY, most=MAX_DELAY))

    def _listen(self) -> None:
        with connect(
            self._address,
            additional_headers=self._headers,
            open_timeout=OPEN_SECONDS,
            ssl=self._tls,
        ) as socket:
            self._socket = socket
            socket.send(HANDSHAKE)
            messages = _messages(socket.recv(timeout=OPEN_SECONDS))
            if not messages or messages[0].get("error"):
                raise ValueError(f"the handshake failed: {messages[:1]}")
            self.connected = True
            self._opened()
            heard = spoke = time.monotonic()
            while not self._stop.is_set():
                for message in messages:
                    if message.get("type") == CLOSE:
                        raise ValueError(message.get("error") or "the hub closes the connection")
                    if message.get("type") == INVOCATION:
                        self._told(str(message.get("target")), list(message.get("arguments", [])))
                # However much the hub says: it ends clients that say nothing themselves.
                due = spoke + PING_SECONDS - time.monotonic()
                if due <= 0:
                    socket.send(PING)
                    spoke, due = time.monotonic(), PING_SECONDS
                try:
                    messages = _messages(socket.recv(timeout=due))
                    heard = time.monotonic()
                except TimeoutError:
                    messages = []
                    if time.monotonic() - heard > SILENCE_SECONDS:
                        raise


def _messages(frame: str | bytes) -> list[dict[str, Any]]:
    text = frame.decode() if isinstance(frame, bytes) else frame
    found = [json.loads(record) for record in text.split(SEPARATOR) if record]
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("the hub sent what is no message")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        return f"the hub answers {error.response.status_code}"
    return explain(error) or str(error) or type(error).__name__
