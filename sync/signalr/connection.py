"""One client, whatever transport carries it: what waits to be sent, and what came in.

A client that does not take what is sent to it is closed with a reason once its bounded buffer
is full, so that it never holds up another.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from sync.signalr import messages
from sync.signalr.messages import Message, ProtocolError

TOO_SLOW = "The client does not take its messages fast enough."


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of every connection; times in seconds, defaults those of ASP.NET Core."""

    max_message_bytes: int = 32 * 1024
    max_waiting_bytes: int = 1024 * 1024
    max_calls: int = 16
    max_connections: int = 10_000
    handshake_seconds: float = 15.0
    keep_alive_seconds: float = 15.0
    client_timeout_seconds: float = 30.0
    #: How long a connection that was negotiated may be without a transport.
    idle_seconds: float = 15.0
    poll_seconds: float = 90.0


class Receiver(Protocol):
    """What a connection tells of."""

    def opened(self, connection: Connection) -> None: ...

    def received(self, connection: Connection, message: Message) -> None: ...

    def ended(self, connection: Connection) -> None: ...


class Connection:
    """State of one client. On the event loop only.

    `identity` is whatever the authentication gave; `token` is the secret by which its requests
    are known, `id` what others may see.
    """

    def __init__(
        self,
        receiver: Receiver,
        limits: Limits,
        identity: Any = None,
        known_as: tuple[str, str] | None = None,
    ) -> None:
        """`known_as` gives id and token where they were negotiated."""
        self.receiver = receiver
        self.limits = limits
        self.identity = identity
        self.id, self.token = known_as or (secrets.token_urlsafe(16), secrets.token_urlsafe(24))
        self.transport = ""
        #: What the hub keeps for this client.
        self.notes: dict[str, Any] = {}
        self.ready = False
        self.closed = False
        self.close_reason: str | None = None
        #: When something last came in, and went out; loop time.
        self.heard = self.spoke = asyncio.get_running_loop().time()
        self.waiting_bytes = 0
        self._waiting: list[bytes] = []
        self._incoming = bytearray()
        self._wake = asyncio.Event()

    def send(self, data: bytes) -> None:
        """Queue one message; closes the connection when too much waits already."""
        if self.closed:
            return
        if self.waiting_bytes + len(data) > self.limits.max_waiting_bytes:
            self._waiting.clear()
            self.waiting_bytes = 0
            self.close(TOO_SLOW, allow_reconnect=True)
            return
        self._waiting.append(data)
        self.waiting_bytes += len(data)
        self._wake.set()

    def close(self, error: str | None = None, *, allow_reconnect: bool = False) -> None:
        """Tell the client and end; what waits is still sent where the transport can."""
        if self.closed:
            return
        if self.ready:
            self._waiting.append(messages.close(error, allow_reconnect))
        self.close_reason = error
        self.end()

    def end(self) -> None:
        """The connection is over; harmless when called again."""
        if self.closed:
            return
        self.closed = True
        self._wake.set()
        self.receiver.ended(self)

    def take_waiting(self) -> bytes:
        """Everything that waits, as one piece; empty when nothing does."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        self.waiting_bytes = 0
        self._wake.clear()
        if data:
            self.spoke = asyncio.get_running_loop().time()
        return data

    async def next_data(self, seconds: float | None = None) -> bytes | None:
        """What waits, as soon as something does; empty after `seconds`, None once it is over."""
        while True:
            data = self.take_waiting()
            if data:
                return data
            if self.closed:
                return None
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                return b""

    async def outgoing(self) -> AsyncIterator[bytes]:
        """All pieces until the connection is over."""
        while (data := await self.next_data()) is not None:
            yield data

    def feed(self, data: bytes) -> None:
        """Take what the client sent, in pieces of any size; closes it when it breaks a rule."""
        if self.closed:
            return
        self.heard = asyncio.get_running_loop().time()
        self._incoming += data
        try:
            while not self.closed and (end := self._incoming.find(messages.SEPARATOR)) >= 0:
                record = bytes(self._incoming[:end])
                del self._incoming[: end + 1]
                self._take_record(record)
            if len(self._incoming) > self.limits.max_message_bytes:
                raise ProtocolError("A message is too large.")
        except ProtocolError as error:
            self.close(str(error))

    def _take_record(self, record: bytes) -> None:
        if len(record) > self.limits.max_message_bytes:
            raise ProtocolError("A message is too large.")
        if self.ready:
            self.receiver.received(self, messages.decode_message(record))
            return
        try:
            refusal = messages.check_handshake(record)
        except ProtocolError as error:
            refusal = str(error)
        self._waiting.append(messages.handshake_response(refusal))
        self._wake.set()
        if refusal is not None:
            self.close_reason = refusal
            self.end()
            return
        self.ready = True
        self.receiver.opened(self)
