"""The three transports of one hub as routes: negotiate, WebSockets, server-sent events, polling.

Who may connect is decided by the function that is handed in; a token comes in the header
`Authorization: Bearer` or, as browsers must, in the query as `access_token`.

A WebSocket is one TCP connection, so it may come to another process than the one that negotiated
it, whose token says enough. The other transports are many requests to the one process that keeps
the connection, so they are offered only where one process has the address for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Message, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from sync.signalr.connection import Connection
from sync.signalr.hub import Hub
from sync.signalr.tokens import ConnectionTokens

#: Gives the identity behind a token (None: nobody), or raises PermissionError.
Authenticate = Callable[[HTTPConnection, str | None], Awaitable[Any]]

NEGOTIATE_VERSION = 1
TRANSPORTS = [
    {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
    {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
    {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
]
EVENTS = "text/event-stream"
NO_CACHE = {"cache-control": "no-cache, no-store", "x-accel-buffering": "no"}
ABNORMAL = 1011


def signalr_routes(
    path: str,
    hub: Hub,
    authenticate: Authenticate,
    origins: Sequence[str] = (),
    *,
    tokens: ConnectionTokens | None = None,
    alone: bool = True,
) -> list[BaseRoute]:
    """Routes for `hub` under `path`; browsers may come from `origins` too.

    `tokens` are those of all processes of the hub; `alone`: no other one serves this address.
    """
    endpoint = _Endpoint(hub, authenticate, tokens or ConnectionTokens(), alone)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
    )
    inner: list[BaseRoute] = [
        Route("/negotiate", endpoint.negotiate, methods=["POST"]),
        Route("/", endpoint.connect, methods=["GET"]),
        Route("/", endpoint.post, methods=["POST"]),
        Route("/", endpoint.delete, methods=["DELETE"]),
        WebSocketRoute("/", endpoint.websocket),
    ]
    bare: list[BaseRoute] = [
        Route(path, endpoint.connect, methods=["GET"], middleware=[cors]),
        Route(path, endpoint.post, methods=["POST"], middleware=[cors]),
        Route(path, endpoint.delete, methods=["DELETE"], middleware=[cors]),
        Route(path, endpoint.connect, methods=["OPTIONS"], middleware=[cors]),
        WebSocketRoute(path, endpoint.websocket),
    ]
    return [*bare, Mount(path, routes=inner, middleware=[cors])]


class _Events(StreamingResponse):
    """Server-sent events, ended when the client takes none of them for a while."""

    def __init__(
        self, events: AsyncIterator[bytes], seconds: float, connection: Connection
    ) -> None:
        super().__init__(events, media_type=EVENTS, headers=NO_CACHE)
        self._seconds = seconds
        self._connection = connection

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._seconds):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            self._connection.end()


class _Endpoint:
    def __init__(
        self, hub: Hub, authenticate: Authenticate, tokens: ConnectionTokens, alone: bool
    ) -> None:
        self._hub = hub
        self._authenticate = authenticate
        self._tokens = tokens
        self._alone = alone
        self._polls: dict[str, asyncio.Event] = {}
        self._posting: set[str] = set()

    async def negotiate(self, request: Request) -> Response:
        identity, refusal = await self._admit(request)
        if refusal is not None:
            return refusal
        asked = request.query_params.get("negotiateVersion", "0")
        if not asked.isdecimal():
            return Response("negotiateVersion is no number.", 400)
        version = min(int(asked), NEGOTIATE_VERSION)
        known, token = self._tokens.make(identity)
        # Where others may be asked for it next, nothing is kept of it here.
        if self._alone and self._hub.new_connection(identity, (known, token)) is None:
            return JSONResponse({"error": "There are too many connections."})
        answer: dict[str, Any] = {"connectionId": known, "negotiateVersion": version}
        if version == 0:  # the one id serves as the secret too
            answer["connectionId"] = token
        else:
            answer["connectionToken"] = token
        answer["availableTransports"] = TRANSPORTS if self._alone else TRANSPORTS[:1]
        return JSONResponse(answer, headers=NO_CACHE)

    async def connect(self, request: Request) -> Response:
        """A GET that is no WebSocket: server-sent events, or a poll."""
        connection, refusal = await self._find(request)
        if connection is None:
            return refusal
        wants = "events" if EVENTS in request.headers.get("accept", "") else "polling"
        if connection.transport not in ("", wants):
            return Response("The connection has another transport already.", 409)
        if wants == "events":
            if connection.transport:
                return Response("The connection has a transport already.", 409)
            connection.transport = wants
            seconds = self._hub.limits.client_timeout_seconds
            return _Events(self._events(connection), seconds, connection)
        if not connection.transport:
            connection.transport = wants
            self._touch(connection)
            return Response(status_code=200, media_type="text/plain", headers=NO_CACHE)
        return await self._poll(connection)

    async def post(self, request: Request) -> Response:
        connection, refusal = await self._find(request)
        if connection is None:
            return refusal
        if connection.transport == "websocket":
            return Response("The connection is a WebSocket.", 405)
        if connection.token in self._posting:
            return Response("Another request of this connection is under way.", 409)
        self._posting.add(connection.token)
        try:
            async for piece in request.stream():
                connection.feed(piece)
        finally:
            self._posting.discard(connection.token)
        return Response(status_code=200, media_type="text/plain")

    async def delete(self, request: Request) -> Response:
        connection, refusal = await self._find(request)
        if connection is None:
            return refusal
        if connection.transport == "websocket":
            return Response("The connection is a WebSocket.", 405)
        connection.end()
        return Response(status_code=202)

    async def websocket(self, socket: WebSocket) -> None:
        connection, refusal = await self._for_socket(socket)
        if connection is None:
            await socket.send_denial_response(refusal)
            return
        connection.transport = "websocket"
        self._touch(connection)
        await socket.accept()
        sender = asyncio.create_task(self._send_frames(socket, connection))
        receiver = asyncio.create_task(_receive_frames(socket, connection))
        try:
            # A peer that takes nothing may say nothing either: whichever ends first ends it.
            await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connection.end()
            if receiver.done():
                await asyncio.gather(sender, return_exceptions=True)
            receiver.cancel()
            sender.cancel()
            await asyncio.gather(receiver, sender, return_exceptions=True)

    async def _for_socket(self, socket: WebSocket) -> tuple[Connection | None, Response]:
        """What a WebSocket is to carry: a connection negotiated here or elsewhere, or a new one."""
        identity, refusal = await self._admit(socket)
        if refusal is not None:
            return None, refusal
        token = socket.query_params.get("id")
        known_as = None
        if token is not None:
            there = self._hub.by_token.get(token)
            if there is not None and there.identity == identity:
                used = Response("It has a transport already.", 409)
                return (None, used) if there.transport else (there, Response(status_code=500))
            name = self._tokens.read(token, identity)
            if name is None:
                return None, Response("There is no such connection.", 404)
            known_as = (name, token)
        connection = self._hub.new_connection(identity, known_as)
        return connection, Response("There are too many connections.", 503)

    async def _send_frames(self, socket: WebSocket, connection: Connection) -> None:
        limit = self._hub.limits.client_timeout_seconds
        try:
            async for data in connection.outgoing():
                async with asyncio.timeout(limit):
                    await socket.send_text(data.decode())
            async with asyncio.timeout(1):
                await socket.close(ABNORMAL if connection.close_reason else 1000)
        except (WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            connection.end()

    async def _events(self, connection: Connection) -> AsyncIterator[bytes]:
        self._touch(connection)
        try:
            yield b":\r\n\r\n"
            async for data in connection.outgoing():
                # JSON holds no line ends of its own, so a piece is one line.
                yield b"data: " + data + b"\r\n\r\n"
        finally:
            connection.end()

    async def _poll(self, connection: Connection) -> Response:
        earlier = self._polls.get(connection.token)
        if earlier is not None:
            earlier.set()
        mine = self._polls[connection.token] = asyncio.Event()
        self._touch(connection)
        waiting = asyncio.create_task(connection.next_data(self._hub.limits.poll_seconds))
        replaced = asyncio.create_task(mine.wait())
        try:
            await asyncio.wait({waiting, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return Response(status_code=204)
            data = waiting.result()
        finally:
            waiting.cancel()
            replaced.cancel()
            self._touch(connection)
            if self._polls.get(connection.token) is mine:
                del self._polls[connection.token]
        if data is None:
            return Response(status_code=204)
        return Response(data, media_type="text/plain", headers=NO_CACHE)

    async def _admit(self, connection: HTTPConnection) -> tuple[Any, Response | None]:
        try:
            return await self._authenticate(connection, read_token(connection)), None
        except PermissionError as error:
            return None, Response(str(error), 401, {"www-authenticate": "Bearer"})

    async def _find(self, request: HTTPConnection) -> tuple[Connection | None, Response]:
        """The connection a request names, if whoever asks is who negotiated it."""
        identity, refusal = await self._admit(request)
        if refusal is not None:
            return None, refusal
        token = request.query_params.get("id")
        if token is None:
            return None, Response("The query has no id.", 400)
        connection = self._hub.by_token.get(token)
        if connection is None or connection.identity != identity:
            return None, Response("There is no such connection.", 404)
        return connection, Response(status_code=500)

    @staticmethod
    def _touch(connection: Connection) -> None:
        connection.heard = asyncio.get_running_loop().time()


async def _receive_frames(socket: WebSocket, connection: Connection) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # gone without a word
        while not connection.closed:
            message = await socket.receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("bytes")
            connection.feed(data if data is not None else message["text"].encode())


def read_token(connection: HTTPConnection) -> str | None:
    """The bearer token of a request, from its header or its query."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return connection.query_params.get("access_token")
