"""Many executions in one request: a JSON array, or JSON lines streamed both ways, in order.

A few chunks are held at a time, so a million lines need no more memory than a thousand: the next
is read and checked while the last is run, and nothing is read while nobody takes the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from runtime.server.answers import Answer, problem
from runtime.server.execution import Outcome
from runtime.server.request_body import Receive

#: Items of a chunk, at first and at most, and what the answers of one should not exceed (bytes).
FIRST_CHUNK = 32
CHUNK = 1024
CHUNK_BYTES = 8 * 1024 * 1024
#: What the answers of one chunk may never exceed.
MOST_BYTES = 64 * 1024 * 1024
#: Chunks that are under way while another is read.
AHEAD = 2
LINES = b"application/x-ndjson"
LINE_TYPES = (LINES, b"application/jsonl", b"application/x-jsonlines")

Write = Callable[[bytes], Awaitable[None]]


class Item(Protocol):
    """A job of a batch: `reply` is called once, with it and what came of it."""

    index: int
    reply: Callable[[Any, Outcome | Answer], None] | None


class Takes(Protocol):
    """Where jobs go: a lane, or the way to one elsewhere."""

    async def room(self) -> int:
        """Wait until some are taken; how many."""

    def submit_batch(self, jobs: Sequence[Any]) -> None: ...


#: Makes a job of an item, or says what is wrong.
MakeJob = Callable[[bytes], "Item | Answer"]
#: Told what came of a job.
Note = Callable[["Outcome | Answer"], None]


def takes_lines(content_type: bytes) -> bool:
    """Whether a body of this type is JSON lines rather than a JSON array."""
    return content_type.partition(b";")[0].strip().lower() in LINE_TYPES


def decode_array(body: bytes) -> list[bytes] | None:
    """The items of a JSON array as they came; None when the body is none."""
    try:
        return [bytes(item) for item in _decode_items(body)]
    except (ValueError, RecursionError):
        return None


class Chunk:
    """Some items of a batch on their way, and their answers' bodies in the items' order."""

    def __init__(self, count: int, note: Note, slow_ms: float) -> None:
        self.bodies: list[bytes] = [b""] * count
        self.size = 0
        #: Done when every item has its answer.
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = count
        self._note = note
        self._slow_ms = slow_ms

    def answer(self, job: Item, outcome: Outcome | Answer) -> None:
        """The answer to one item: a job's `reply`."""
        if (
            type(outcome) is not Outcome
            or outcome.problem is not None
            or outcome.latency_ms > self._slow_ms
        ):
            self._note(outcome)
        self.put(job.index, outcome.body)

    def put(self, index: int, body: bytes) -> None:
        """The body of one answer."""
        self.size += len(body)
        if self.size > MOST_BYTES:
            self.size -= len(body)
            body = problem("answers-too-large", "Ask for fewer of these at once.").body
        self.bodies[index] = body
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)


class Batch:
    """Takes one batch through a lane."""

    def __init__(
        self, lane: Takes, make_job: MakeJob, note: Note, slow_ms: float, write: Write
    ) -> None:
        """`note` is told of each problem, and of what took longer than `slow_ms`."""
        self._lane = lane
        self._make_job = make_job
        self._note = note
        self._slow_ms = slow_ms
        self._write = write
        self._chunk_size = FIRST_CHUNK

    async def answer_array(self, items: Sequence[bytes], receive: Receive) -> bool:
        """Write a JSON array with the answer, or the problem, of each item; False when the caller
        went away before its end."""
        gone = asyncio.ensure_future(receive())  # the body is read: what comes next is the end

        async def chunks() -> AsyncIterator[Sequence[bytes]]:
            start = 0
            while start < len(items) and not gone.done():
                size = self._chunk_size  # it may be another when the generator goes on
                yield items[start : start + size]
                start += size

        separator = b"["

        async def write(bodies: Sequence[bytes]) -> None:
            nonlocal separator
            if not gone.done():
                await self._write(separator + b",".join(bodies))
                separator = b","

        try:
            await self._run(chunks(), write)
            if gone.done():
                return False
            await self._write(b"]" if items else b"[]")
        finally:
            gone.cancel()
        return True

    async def answer_lines(self, receive: Receive, limit: int) -> bool:
        """Write a line with the answer, or the problem, of each line that comes; False when the
        caller went away before its last."""
        lines = _Lines(receive, limit, lambda: self._chunk_size)

        async def write(bodies: Sequence[bytes]) -> None:
            await self._write(b"\n".join(bodies) + b"\n")

        await self._run(lines.chunks(), write)
        return not lines.cut_off

    async def _run(
        self,
        chunks: AsyncIterator[Sequence[bytes]],
        write: Callable[[Sequence[bytes]], Awaitable[None]],
    ) -> None:
        under_way: asyncio.Queue[Chunk | None] = asyncio.Queue(AHEAD)

        async def write_all() -> None:
            while (chunk := await under_way.get()) is not None:
                await chunk.done
                self._learn(chunk)
                await write(chunk.bodies)

        writing = asyncio.ensure_future(write_all())
        try:
            async for items in chunks:
                chunk = await self._begin(items)
                await _first_of(under_way.put(chunk), writing)
            await _first_of(under_way.put(None), writing)
            await writing
        finally:
            writing.cancel()

    async def _begin(self, items: Sequence[bytes]) -> Chunk:
        """Check the items and hand those to the lane that can be run."""
        chunk = Chunk(len(items), self._note, self._slow_ms)
        jobs = []
        for index, item in enumerate(items):
            made = self._make_job(item)
            if isinstance(made, Answer):
                chunk.put(index, made.body)
            else:
                made.index = index
                made.reply = chunk.answer
                jobs.append(made)
        start = 0
        while start < len(jobs):
            room = await self._lane.room()
            self._lane.submit_batch(
                jobs[start : start + room] if start or room < len(jobs) else jobs
            )
            start += room
        return chunk

    def _learn(self, chunk: Chunk) -> None:
        """Make chunks larger while answers are small."""
        each = max(1, chunk.size // max(1, len(chunk.bodies)))
        fits = max(1, CHUNK_BYTES // each)
        self._chunk_size = min(CHUNK, self._chunk_size * 4, fits)


async def _first_of(wanted: Awaitable[None], other: asyncio.Future[None]) -> None:
    """Wait for something, unless another thing fails first: then raise what it raised."""
    waiting = asyncio.ensure_future(wanted)
    if not waiting.done():
        await asyncio.wait({waiting, other}, return_when=asyncio.FIRST_COMPLETED)
    if other.done():
        waiting.cancel()
        other.result()


class _Lines:
    """Lines as they arrive, at most a chunk at a time; one past `limit` bytes ends the batch."""

    def __init__(self, receive: Receive, limit: int, chunk_size: Callable[[], int]) -> None:
        self._receive = receive
        self._limit = limit
        self._chunk_size = chunk_size
        self.cut_off = False

    async def chunks(self) -> AsyncIterator[list[bytes]]:
        rest = b""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self.cut_off = True
                return
            more = message.get("more_body", False)
            *lines, rest = (rest + message.get("body", b"")).split(b"\n")
            ends = not more or len(rest) > self._limit
            if ends:
                lines.append(rest)
            lines = [line for line in lines if line and not line.isspace()]
            start = 0
            while start < len(lines):
                size = self._chunk_size()
                yield lines[start : start + size]
                start += size
            if ends:
                return


_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
