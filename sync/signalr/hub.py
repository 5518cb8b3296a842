"""A hub: methods that clients call, and messages that go to clients.

A method is an async function of the connection and the client's arguments; one that is an async
generator streams. What it raises as HubError is told to the client, anything else is only logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pydantic

from sync.signalr import messages
from sync.signalr.connection import Connection, Limits
from sync.signalr.messages import Message, ProtocolError

logger = logging.getLogger("loopai.signalr")

Method = Callable[..., Any]
SWEEP_SECONDS = 1.0
_END = object()


class HubError(Exception):
    """Why a call was refused, in words that the client may read."""


class Hub:
    """All clients of one endpoint. On the event loop only; `start` and `stop` it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        #: Clients that have shaken hands.
        self.connections: dict[str, Connection] = {}
        #: Everybody by token, from negotiation on.
        self.by_token: dict[str, Connection] = {}
        self.on_connected: Callable[[Connection], None] = lambda connection: None
        self.on_disconnected: Callable[[Connection], None] = lambda connection: None
        self._methods: dict[str, Method] = {}
        self._calls: dict[tuple[str, str], asyncio.Task[None]] = {}
        #: What runs, by connection.
        self._running: dict[str, set[asyncio.Task[None]]] = {}
        self._uploads: dict[tuple[str, str], asyncio.Queue[Any]] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def method(self, name: str, function: Method) -> None:
        """Let clients call `function` as `name`; its annotations are what arguments must be."""
        checked = pydantic.validate_call(config=pydantic.ConfigDict(arbitrary_types_allowed=True))
        self._methods[name] = checked(function)

    def start(self) -> None:
        """Begin to send keep-alives and to end what is silent."""
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Tell every client that it may come back, and end."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for connection in list(self.by_token.values()):
            connection.close(allow_reconnect=True)

    def new_connection(
        self, identity: Any, known_as: tuple[str, str] | None = None
    ) -> Connection | None:
        """A connection that a transport may take up; None when there are too many.

        `known_as` gives its id and token where they were negotiated.
        """
        if len(self.by_token) >= self.limits.max_connections:
            return None
        connection = Connection(self, self.limits, identity, known_as)
        self.by_token[connection.token] = connection
        return connection

    def send_all(
        self, target: str, *arguments: Any, to: Callable[[Connection], bool] = lambda one: True
    ) -> int:
        """Call `target` at every client for which `to` holds; returns how many that were."""
        data = messages.invocation(target, arguments)
        chosen = [one for one in self.connections.values() if to(one)]
        for connection in chosen:
            connection.send(data)
        return len(chosen)

    def send_to(self, connections: Iterable[Connection], target: str, *arguments: Any) -> None:
        """Call `target` at these clients."""
        data = messages.invocation(target, arguments)
        for connection in connections:
            connection.send(data)

    def opened(self, connection: Connection) -> None:
        self.connections[connection.id] = connection
        self.on_connected(connection)

    def ended(self, connection: Connection) -> None:
        self.by_token.pop(connection.token, None)
        for task in self._running.get(connection.id, ()):
            task.cancel()
        for key in [key for key in self._uploads if key[0] == connection.id]:
            self._uploads.pop(key).put_nowait(_END)
        if self.connections.pop(connection.id, None) is not None:
            if connection.close_reason:
                logger.info("client %s ended: %s", connection.id, connection.close_reason)
            self.on_disconnected(connection)

    def received(self, connection: Connection, message: Message) -> None:
        kind = message["type"]
        if kind in (messages.INVOCATION, messages.STREAM_INVOCATION):
            self._call(connection, message)
        elif kind == messages.CANCEL_INVOCATION:
            task = self._calls.get((connection.id, message["invocationId"]))
            if task is not None:
                task.cancel()
        elif kind in (messages.STREAM_ITEM, messages.COMPLETION):
            self._take_upload(connection, message)
        elif kind == messages.CLOSE:
            connection.end()
        elif kind not in (messages.PING, messages.ACK, messages.SEQUENCE):
            logger.info("client %s sent a message of unknown type %d", connection.id, kind)

    def _call(self, connection: Connection, message: Message) -> None:
        invocation_id: str | None = message.get("invocationId")
        key = (connection.id, invocation_id or "")
        if invocation_id is not None and key in self._calls:
            raise ProtocolError(f"The invocationId '{invocation_id}' is in use.")
        running = self._running.setdefault(connection.id, set())
        if len(running) >= self.limits.max_calls:
            raise ProtocolError("Too many calls are under way.")
        # Before the task first runs: the next message may hold a stream's first item.
        uploads = self._open_uploads(connection, message)
        task = asyncio.create_task(self._run_call(connection, message, invocation_id, uploads))
        running.add(task)
        if invocation_id is not None:
            self._calls[key] = task

        def end(task: asyncio.Task[None]) -> None:
            running.discard(task)
            if not running and self._running.get(connection.id) is running:
                del self._running[connection.id]
            for stream_id in message.get("streamIds") or []:
                self._uploads.pop((connection.id, stream_id), None)
            if invocation_id is not None:
                del self._calls[key]
                if task.cancelled():
                    connection.send(_cancelled(message, invocation_id))

        task.add_done_callback(end)

    async def _run_call(
        self,
        connection: Connection,
        message: Message,
        invocation_id: str | None,
        uploads: list[AsyncIterator[Any]],
    ) -> None:
        try:
            answer = await self._answer(connection, message, invocation_id, uploads)
        except HubError as error:
            answer = messages.failure(invocation_id or "", str(error))
        except Exception:
            logger.exception("the hub method %r failed", message["target"])
            target = message["target"]
            answer = messages.failure(
                invocation_id or "", f"An unexpected error occurred invoking '{target}'."
            )
        if invocation_id is not None:
            connection.send(answer)

    async def _answer(
        self,
        connection: Connection,
        message: Message,
        invocation_id: str | None,
        uploads: list[AsyncIterator[Any]],
    ) -> bytes:
        target = message["target"]
        streams = message["type"] == messages.STREAM_INVOCATION
        method = self._methods.get(target)
        if method is None:
            raise HubError(f"Unknown hub method '{target[:100]}'.")
        is_generator = inspect.isasyncgenfunction(inspect.unwrap(method))
        if streams != is_generator:
            how = "only by stream" if is_generator else "not by stream"
            raise HubError(f"The hub method '{target}' can be invoked {how}.")
        try:
            made = method(connection, *message["arguments"], *uploads)
            if not streams:
                return messages.completion(invocation_id or "", await made)
            async for item in made:
                connection.send(messages.stream_item(invocation_id or "", item))
        except pydantic.ValidationError as error:
            raise HubError(_argument_error(target, error)) from None
        return messages.stream_end(invocation_id or "")

    def _open_uploads(self, connection: Connection, message: Message) -> list[AsyncIterator[Any]]:
        made = []
        for stream_id in message.get("streamIds") or []:
            queue: asyncio.Queue[Any] = asyncio.Queue(self.limits.max_calls)
            self._uploads[connection.id, stream_id] = queue
            made.append(_items_of(queue))
        return made

    def _take_upload(self, connection: Connection, message: Message) -> None:
        queue = self._uploads.get((connection.id, message["invocationId"]))
        if queue is None:
            return  # the call has ended already, which a client may not know yet
        item = message.get("item") if message["type"] == messages.STREAM_ITEM else _END
        try:
            queue.put_nowait(item)
        except asyncio.QueueFull:
            raise ProtocolError("An uploaded stream is faster than its method.") from None

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = asyncio.get_running_loop().time()
            for connection in list(self.by_token.values()):
                self._sweep(connection, now)

    def _sweep(self, connection: Connection, now: float) -> None:
        limits = self.limits
        if not connection.ready:
            seconds = limits.handshake_seconds if connection.transport else limits.idle_seconds
            if now - connection.heard > seconds:
                connection.close("The handshake did not come in time.")
        elif now - connection.heard > limits.client_timeout_seconds:
            connection.close("The client was silent for too long.")
        elif now - connection.spoke > limits.keep_alive_seconds and not connection.waiting_bytes:
            connection.send(messages.PING_MESSAGE)


def _cancelled(message: Message, invocation_id: str) -> bytes:
    if message["type"] == messages.STREAM_INVOCATION:
        return messages.stream_end(invocation_id)
    return messages.failure(invocation_id, "The call was cancelled.")


async def _items_of(queue: asyncio.Queue[Any]) -> AsyncIterator[Any]:
    while (item := await queue.get()) is not _END:
        yield item


def _argument_error(target: str, error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    place = first["loc"][0] if first["loc"] else ""
    number = f"argument {place} " if isinstance(place, int) else f"'{place}' "
    return f"Wrong arguments for '{target}': {number}{first['msg'].lower()}."
