"""Offers requests at a steady rate, whatever the server does, and times each from when it was due.

An answer that is late because the one before it was late counts as late: latency is measured
from the moment the request should have been sent, not from when a connection became free
("coordinated omission", G. Tene 2013).
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks.serving.targets import BODY

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
TICK_SECONDS = 0.001
# Latencies are counted in buckets this much apart, so that minutes of load need no memory.
GROWTH = 1.01
SMALLEST_MS = 0.01


@dataclass(slots=True)
class Steady:
    """What came of a steady load: counts, and latencies in ms by bucket."""

    offered: int = 0
    answered: int = 0
    failed: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """The latency in ms that `share` (0 to 1) of the answers did not exceed, within 1 %."""
        wanted = share * sum(self.buckets.values())
        for bucket in sorted(self.buckets):
            wanted -= self.buckets[bucket]
            if wanted <= 0:
                return SMALLEST_MS * GROWTH ** (bucket + 1)
        return float("nan")

    def add(self, milliseconds: float) -> None:
        """Count one answer."""
        bucket, edge = 0, milliseconds / SMALLEST_MS
        if edge > 1:
            bucket = int(math.log(edge, GROWTH))
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._due = 0.0
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is not one by class
        self._load.free(self)

    def ask(self, due: float) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        length = LENGTH.search(data, 0, end) if end >= 0 else None
        if length is None or len(data) < end + 4 + int(length[1]):
            self._buffer = data
            return
        self._buffer = b""
        self._load.take(self._due, ok=data.startswith(b"HTTP/1.1 200"))
        self._load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()


class _Load:
    """The clock that says when each request is due, and the connections that are free."""

    def __init__(self, request: bytes, rate: float, seconds: float) -> None:
        self.request = request
        self.result = Steady()
        self._rate = rate
        self._total = int(rate * seconds)
        self._free: deque[_Connection] = deque()
        self._start = 0.0
        self._due: deque[float] = deque()

    def free(self, connection: _Connection) -> None:
        """`connection` may take the next request."""
        if self._due:
            connection.ask(self._due.popleft())
        else:
            self._free.append(connection)

    def take(self, due: float, *, ok: bool) -> None:
        """An answer to the request that was due at `due`."""
        self.result.answered += 1
        self.result.failed += not ok
        self.result.add(1000 * (perf_counter() - due))

    def lost(self) -> None:
        """A connection ended that should not have."""
        if self.result.answered < self.result.offered:
            self.result.failed += 1

    async def run(self) -> None:
        """Offer all requests, and wait up to ten seconds for the last answers."""
        self._start = perf_counter()
        while self.result.offered < self._total:
            owed = min(self._total, int((perf_counter() - self._start) * self._rate) + 1)
            for number in range(self.result.offered, owed):
                self._due.append(self._start + number / self._rate)
            self.result.offered = owed
            while self._due and self._free:
                self._free.popleft().ask(self._due.popleft())
            await asyncio.sleep(TICK_SECONDS)
        deadline = perf_counter() + 10
        while self.result.answered < self.result.offered and perf_counter() < deadline:
            await asyncio.sleep(0.01)
        self.result.failed += self.result.offered - self.result.answered


def offer(
    url: str,
    rate: float,
    seconds: float,
    connections: int = 64,
    path: str = "/execute",
    key: str | None = None,
) -> Steady:
    """Offer `rate` executions a second for `seconds` from so many connections."""
    return uvloop.run(_offer(url, rate, seconds, connections, path, key))


async def _offer(
    url: str, rate: float, seconds: float, connections: int, path: str, key: str | None
) -> Steady:
    place = urlsplit(url)
    head = b"POST %b HTTP/1.1\r\nhost: %b\r\ncontent-type: application/json\r\n"
    head += b"authorization: Bearer %b\r\n" % key.encode() if key else b""
    head += b"content-length: %d\r\n\r\n"
    request = head % (path.encode(), place.netloc.encode(), len(BODY)) + BODY
    load = _Load(request, rate, seconds)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(load), place.hostname, place.port)
        for _ in range(connections)
    ]
    await load.run()
    for transport, _ in made:
        transport.abort()
    return load.result
