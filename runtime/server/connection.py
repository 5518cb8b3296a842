"""One HTTP connection, held to limits: how large a head, how slow a client, how many at once.

Uvicorn parses and answers; this only watches the clock and the sizes, and ends what is over them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from runtime.config_sections import RuntimeConfig
from runtime.server.answers import Answer, problem
from runtime.server.short_way import Exchange, ShortWay

# A body that comes at least so fast (bytes a second) may take as long as it needs.
LEAST_BODY_RATE = 500.0
NEVER = float("inf")


class RefusedError(Exception):
    """Ends the parsing of a request; the connection knows why."""


@dataclass(eq=False)
class ConnectionRules:
    """What all connections of a worker are held to."""

    config: RuntimeConfig
    #: Called with the reason whenever a connection is refused or ended early.
    count: Callable[[str], None]
    #: Where single executions go; None sends every request the ordinary way.
    short_way: ShortWay | None = None
    #: Once true, each connection is closed after the answer that is under way.
    draining: bool = False


class Connection(HttpToolsProtocol):
    """Uvicorn's connection with limits. `sweep` must be called about every second."""

    def __init__(self, rules: ConnectionRules, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._rules = rules
        self._config = rules.config
        self._refused = False
        self._refusal = ("malformed-http", "It is not HTTP/1.1.")
        #: Until when the client must have sent what it is sending now.
        self._deadline = NEVER
        self._in_head = True
        self._head_bytes = 0
        self._check_head = False
        self._write_paused_since = NEVER
        #: The request that is coming in, where it takes the short way.
        self._exchange: Exchange | None = None
        #: Until when the next request must begin, after one that took the short way.
        self._idle_until = NEVER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._config.header_timeout_sec
        limit = self._config.max_connections
        if len(self.connections) > limit:
            self._refuse("too-many-connections", f"{limit:,} connections are open already.")

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._deadline == NEVER and (self.cycle is None or self.cycle.response_complete):
            # Whatever comes now, a line end even, begins the next request's time.
            self._idle_until = NEVER
            self._begin_head()
        limit = self._config.max_header_bytes
        self._check_head = self._head_bytes + len(data) > limit
        super().data_received(data)
        if self._in_head and not self._refused:
            self._head_bytes += len(data)
            if self._head_bytes > limit:
                self._refuse("head-too-large", self._head_limit())

    def on_message_begin(self) -> None:
        # What uvicorn makes of a head is made when it is complete and goes the ordinary way.
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        if not self._in_head:  # it came in one piece with the request before
            self._begin_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if len(self.headers) > self._config.max_headers:
            self._refusal = ("head-too-large", self._head_limit())
            raise RefusedError
        if self._check_head:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > self._config.max_header_bytes:
                self._refusal = ("head-too-large", self._head_limit())
                raise RefusedError
        self._deadline = self.loop.time() + self._config.body_timeout_sec
        if not self._take_short_way():
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers += headers
            super().on_headers_complete()
        if self._rules.draining:
            self.cycle.keep_alive = False

    def _take_short_way(self) -> bool:
        way = self._rules.short_way
        self._exchange = None
        if way is None or not (self.cycle is None or self.cycle.response_complete):
            return False
        self._exchange = way.begin(self)
        if self._exchange is None:
            return False
        self.cycle = self._exchange  # type: ignore[assignment]
        return True

    def exchange_is_over(self) -> None:
        """An answer that took the short way was sent: go on to the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_until = self.loop.time() + self._config.keep_alive_sec

    def stop(self, answer: Answer) -> None:
        """Answer what took the short way and is still under way: the server ends."""
        if self._exchange is not None:
            self._exchange.stop(answer)

    def on_body(self, body: bytes) -> None:
        latest = self.loop.time() + self._config.body_timeout_sec
        self._deadline = min(latest, self._deadline + len(body) / LEAST_BODY_RATE)
        if self._exchange is not None:
            self._exchange.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._deadline = NEVER
        if self._exchange is not None:
            self._exchange.run()
        else:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._refusal)

    def sweep(self, now: float) -> None:
        """End this connection if its client is too slow; `now` is the loop's time."""
        if self._refused or self.transport.is_closing():
            if self._refused and now > self._deadline:
                self.transport.abort()
            return
        if self.flow.write_paused:
            self._write_paused_since = min(self._write_paused_since, now)
            if now - self._write_paused_since > self._config.send_timeout_sec:
                self._rules.count("slow-reader")
                self.transport.abort()
        else:
            self._write_paused_since = NEVER
        if now > self._idle_until:
            self.transport.close()
        elif self.flow.read_paused:  # it waits for us, not we for it
            self._deadline = max(self._deadline, now + self._config.body_timeout_sec)
        elif now > self._deadline:
            if self._in_head and not self._head_bytes:
                self.transport.close()
                return
            what = "head" if self._in_head else "body"
            self._refuse("request-timeout", f"The {what} of the request did not come in time.")

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._deadline = self.loop.time() + self._config.header_timeout_sec

    def _head_limit(self) -> str:
        config = self._config
        return f"At most {config.max_headers} headers and {config.max_header_bytes:,} bytes."

    def _refuse(self, kind: str, detail: str) -> None:
        """Answer with a problem, unless an answer is under way, and end the connection."""
        self._refused = True
        self._rules.count(kind)
        self._deadline = self.loop.time() + 1.0
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        answer = problem(kind, detail, (b"connection", b"close"))
        lines = [b"HTTP/1.1 %d %b" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
        lines += [b"%b: %b" % header for header in answer.headers]
        self.transport.write(b"\r\n".join([*lines, b"", answer.body]))
        self.transport.close()
