"""A TCP proxy that delays, narrows, refuses, cuts, stalls and duplicates, by a seeded chance.

It does not understand what passes, but for one thing: where requests of HTTP/1.1 end, so that one
can be sent a second time, as a caller that saw no answer would.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httptools

from tests.network.tap import Stream

PIECE = 4096
#: Pieces on their way in one direction of one connection; more wait at the sender.
PIECES_UNDER_WAY = 256
SECONDS_FOR_A_COPY = 10.0


@dataclass(frozen=True)
class Conditions:
    """What a network does. Probabilities are of each connection, `duplicate` of each request."""

    #: From one end to the other, so half of a round trip; and as much more, evenly spread.
    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    #: In each direction, shared by all connections; None is as much as the machine gives.
    bits_per_second: float | None = None
    #: Nothing passes: connections that stand are cut, new ones refused.
    down: bool = False
    refuse: float = 0.0
    #: Cut with a reset after some bytes, of the request or of the answer.
    cut: float = 0.0
    cut_within_bytes: int = 20_000
    #: Goes silent after some bytes, as when a router dies; ended after `stall_seconds`.
    stall: float = 0.0
    stall_seconds: float = 5.0
    #: A whole request arrives twice, the second answer is lost.
    duplicate: float = 0.0
    #: What is changed on the way to the caller: each text for another of the same length.
    replaced: dict[bytes, bytes] = field(default_factory=dict)


class _Link:
    """One direction for all connections: a piece leaves when those before it have left."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def arrival(self, size: int, conditions: Conditions, chance: random.Random) -> float:
        """When a piece that is given now has arrived; loop time."""
        now = asyncio.get_running_loop().time()
        rate = conditions.bits_per_second
        self._free_at = max(now, self._free_at) + (size * 8 / rate if rate else 0.0)
        jitter = chance.uniform(0, conditions.jitter_seconds)
        return self._free_at + conditions.delay_seconds + jitter


class Network:
    """The proxy in a thread of its own. Everything that passed is in `streams`."""

    def __init__(self, port: int, conditions: Conditions | None = None, seed: int = 1) -> None:
        self.conditions = conditions or Conditions()
        self.streams: list[Stream] = []
        #: How often what happened, by the field's name.
        self.happened: dict[str, int] = {}
        self._target = port
        self._chance, self._jitter = random.Random(seed), random.Random(seed)
        self._up, self._down = _Link(), _Link()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=[self._serve(started)]
        )
        self._thread.start()
        started.wait()

    def change(self, conditions: Conditions) -> None:
        """Let these conditions hold from now on, for connections that stand too."""
        self.conditions = conditions
        if conditions.down:
            self.cut_all()

    def cut_all(self) -> None:
        """Cut every connection there is."""

        def cut() -> None:
            for writer in list(self._writers):
                _reset(writer)

        self._loop.call_soon_threadsafe(cut)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def _serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(
            lambda reader, writer: self._spawn(self._connection(reader, writer)),
            sock=self._listener,
            limit=PIECE,
        )
        async with server:
            started.set()
            await self._stop.wait()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conditions = self.conditions
        writers = [writer]
        self._writers.add(writer)
        try:
            if conditions.down or self._happens("refuse", conditions.refuse):
                _reset(writer)
                return
            # What opening a connection costs: there and back.
            await asyncio.sleep(2 * conditions.delay_seconds)
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self._target, limit=PIECE
            )
            writers.append(far_writer)
            self._writers.add(far_writer)
            fault = self._fault(conditions)
            stream = Stream()
            self.streams.append(stream)
            up = self._pump(reader, far_writer, self._up, stream.sent, fault, requests=True)
            down = self._pump(far_reader, writer, self._down, stream.received, fault)
            async with asyncio.TaskGroup() as both:
                both.create_task(up)
                both.create_task(down)
        except* OSError:  # cut, by this network or by an end
            pass
        finally:
            for one in writers:
                self._writers.discard(one)
                _reset(one)

    def _fault(self, conditions: Conditions) -> _Fault | None:
        for kind in ("cut", "stall"):
            if self._happens(kind, getattr(conditions, kind)):
                within = self._chance.randint(0, conditions.cut_within_bytes)
                return _Fault(kind, within, conditions.stall_seconds)
        return None

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        link: _Link,
        tap: bytearray,
        fault: _Fault | None,
        *,
        requests: bool = False,
    ) -> None:
        """Carry one direction until its end, which is passed on."""
        on_the_way: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(PIECES_UNDER_WAY)
        requests_seen = _Requests() if requests else None
        held = b""
        async with asyncio.TaskGroup() as both:
            both.create_task(_deliver(on_the_way, writer))
            while piece := await reader.read(PIECE):
                tap += piece
                if fault is not None:
                    await fault.strike(len(piece))
                if requests_seen is None:
                    if self.conditions.replaced:
                        piece, held = _replace(held + piece, self.conditions.replaced)
                elif (request := requests_seen.feed(piece)) is not None and self._happens(
                    "duplicate", self.conditions.duplicate
                ):
                    self._spawn(self._send_again(request))
                arrival = link.arrival(len(piece), self.conditions, self._jitter)
                await on_the_way.put((arrival, piece))
            await on_the_way.put((0.0, held))
            await on_the_way.put(None)

    async def _send_again(self, request: bytes) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(SECONDS_FOR_A_COPY):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
                writer.write(request)
                await writer.drain()
                await reader.read(PIECE)
                _reset(writer)

    def _happens(self, kind: str, probability: float) -> bool:
        happens = self._chance.random() < probability
        if happens:
            self.happened[kind] = self.happened.get(kind, 0) + 1
        return happens


class _Fault:
    """Ends a connection after some bytes, whichever way they went."""

    def __init__(self, kind: str, after_bytes: int, seconds: float) -> None:
        self._kind, self._left, self._seconds = kind, after_bytes, seconds

    async def strike(self, size: int) -> None:
        self._left -= size
        if self._left >= 0:
            return
        if self._kind == "stall":
            await asyncio.sleep(self._seconds)
        raise ConnectionResetError


class _Requests:
    """Finds where requests end. Callers do not pipeline, so a piece holds at most one end."""

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpRequestParser(self)
        self._bytes = bytearray()
        self._complete = False

    def on_message_complete(self) -> None:
        self._complete = True

    def feed(self, piece: bytes) -> bytes | None:
        """The request that ends with this piece, if one does."""
        if self._parser is None:
            return None
        self._bytes += piece
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._parser = None  # a WebSocket: no requests from here on
            return None
        if not self._complete:
            return None
        self._complete = False
        request = bytes(self._bytes)
        self._bytes.clear()
        return request


async def _deliver(
    pieces: asyncio.Queue[tuple[float, bytes] | None], writer: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    while (next_piece := await pieces.get()) is not None:
        at, piece = next_piece
        await asyncio.sleep(max(0.0, at - loop.time()))
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


def _replace(data: bytes, replaced: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """`data` with its texts replaced, and what at its end may be the beginning of one."""
    for old, new in replaced.items():
        assert len(old) == len(new)
        data = data.replace(old, new)
    longest = max(map(len, replaced))
    for size in range(min(longest - 1, len(data)), 0, -1):
        if any(old.startswith(data[-size:]) for old in replaced):
            return data[:-size], data[-size:]
    return data, b""


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    if isinstance(transport, asyncio.Transport):
        transport.abort()
