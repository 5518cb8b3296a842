"""Many executions in one request: a JSON array, or JSON lines streamed both ways, in order.

At most a chunk is held at a time, so a million lines need no more memory than a hundred.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from runtime.server.answers import Answer
from runtime.server.request_body import Receive

CHUNK = 256
LINES = b"application/x-ndjson"
LINE_TYPES = (LINES, b"application/jsonl", b"application/x-jsonlines")

Execute = Callable[[bytes], Awaitable[Answer]]
Write = Callable[[bytes], Awaitable[None]]


def takes_lines(content_type: bytes) -> bool:
    """Whether a body of this type is JSON lines rather than a JSON array."""
    return content_type.partition(b";")[0].strip().lower() in LINE_TYPES


def decode_array(body: bytes) -> list[bytes] | None:
    """The items of a JSON array as they came; None when the body is none."""
    try:
        return [bytes(item) for item in _decode_items(body)]
    except (ValueError, RecursionError):
        return None


async def answer_array(
    items: Sequence[bytes], receive: Receive, execute: Execute, write: Write
) -> bool:
    """Write a JSON array with the answer, or the problem, of each item; False when the caller
    went away before its end."""
    gone = asyncio.ensure_future(receive())  # the body is read: what comes next is the end
    try:
        separator = b"["
        for start in range(0, len(items), CHUNK):
            answers = await _answers(items[start : start + CHUNK], execute)
            if gone.done():
                return False
            await write(separator + b",".join(answer.body for answer in answers))
            separator = b","
        await write(b"]" if items else b"[]")
    finally:
        gone.cancel()
    return True


async def answer_lines(receive: Receive, limit: int, execute: Execute, write: Write) -> bool:
    """Write a line with the answer, or the problem, of each line that comes; False when the
    caller went away before its last."""
    lines = _Lines(receive, limit)
    async for chunk in lines.chunks():
        answers = await _answers(chunk, execute)
        await write(b"".join(answer.body + b"\n" for answer in answers))
    return not lines.cut_off


async def _answers(items: Sequence[bytes], execute: Execute) -> list[Answer]:
    return await asyncio.gather(*(execute(item) for item in items))


class _Lines:
    """Lines as they arrive, at most `CHUNK` at a time; one past `limit` bytes ends the batch."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
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
            lines = [line for line in lines if line.strip()]
            for start in range(0, len(lines), CHUNK):
                yield lines[start : start + CHUNK]
            if ends:
                return


_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
