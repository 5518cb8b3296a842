"""The client for asynchronous code. One may be shared by many tasks of an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any

import httpx

from runtime.client.answers import (
    Execution,
    Failure,
    decode_response,
    encode_request,
    failure_of,
    no_answer,
    no_runtime,
    not_ready,
)
from runtime.client.batch import GROUP, HEADERS, Group
from runtime.client.connection import (
    DEFAULT_URL,
    SECONDS_BETWEEN_LOOKS,
    SECONDS_TO_WAIT,
    decode_health,
    headers_of,
    path_of,
    settings,
)
from runtime.client.errors import error_of
from runtime.client.retries import Retries
from runtime.tls.settings import ClientTls


class AsyncClient:
    """Executes inputs at a runtime, as `Client` does, without blocking.

        async with AsyncClient("http://127.0.0.1:8080") as client:
            execution = await client.execute({"text": "buy now"})

    What is tried again, and what that means for the log, is said at `Client`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        timeout: float = SECONDS_TO_WAIT,
        retries: Retries | None = None,
        tls: ClientTls | None = None,
    ) -> None:
        """`key` defaults to LOOPAI_SERVE_KEY; `timeout` is in seconds for each try.

        `tls` names the CA to trust for `https://` and the certificate to show; a file of them
        that cannot be used raises InvalidInputError.
        """
        self._http = httpx.AsyncClient(**settings(url, key, timeout, tls))
        self._retries = retries or Retries()

    async def execute(
        self, input: Any, task: str | None = None, *, request_id: str | None = None
    ) -> Execution:
        """Execute one input (any JSON value its task takes); the default task when None.

        `request_id` is sent as X-Request-ID. Raises ProblemError (one of its kinds) when there
        is no output, TypeError or ValueError when the input is not JSON.
        """
        content, headers = encode_request(input), headers_of(request_id)
        attempts = self._retries.begin()
        while True:
            try:
                answer = decode_response(
                    await self._http.post(path_of(task), content=content, headers=headers)
                )
            except httpx.TransportError as error:
                answer = no_answer(error)
            if isinstance(answer, Execution):
                return answer
            pause = attempts.pause(answer)
            if pause is None:
                raise error_of(answer)
            await asyncio.sleep(pause)

    async def execute_batch(
        self,
        inputs: Iterable[Any] | AsyncIterable[Any],
        task: str | None = None,
        *,
        group: int = GROUP,
    ) -> AsyncIterator[Execution | Failure]:
        """Execute many inputs; yields what became of each, in their order.

        Inputs are taken and sent in groups of at most `group`, so millions need no more memory
        than one group, and whoever stops early has executed at most one group too many. Raises
        ProblemError when the batch as a whole cannot go on, such as for a wrong key.
        """
        some = Group(self._retries, group)
        async for value in _each(inputs):
            line = encode_request(value)
            if not some.has_room(line):
                async for answer in self._answers(some, task):
                    yield answer
                some = Group(self._retries, group)
            some.add(line)
        async for answer in self._answers(some, task):
            yield answer

    async def health(self) -> dict[str, Any]:
        """What GET /health says. Raises ProblemError; nothing is tried again."""
        try:
            return decode_health(await self._http.get("/health"))
        except httpx.TransportError as error:
            raise error_of(no_answer(error)) from error

    async def ready(self) -> bool:
        """Whether the runtime can be reached and has a program for its default task."""
        try:
            return (await self._http.get("/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def wait_until_ready(self, seconds: float = SECONDS_TO_WAIT) -> None:
        """Ask until it is ready. Raises UnavailableError when it is not within `seconds`."""
        ends = time.monotonic() + seconds
        while not await self.ready():
            if time.monotonic() >= ends:
                raise error_of(not_ready(seconds))
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _answers(self, group: Group, task: str | None) -> AsyncIterator[Execution | Failure]:
        while body := group.body():
            failure = await self._ask(path_of(task, batch=True), body, group)
            await asyncio.sleep(group.pause(failure))
        for answer in group.answers():
            yield answer

    async def _ask(self, path: str, body: bytes, group: Group) -> Failure | None:
        """Feed a group the answer to `body`; returns why it is not whole."""
        try:
            async with self._http.stream("POST", path, content=body, headers=HEADERS) as response:
                if response.status_code != 200:
                    await response.aread()
                    return failure_of(response)
                async for data in response.aiter_bytes():
                    group.feed(data)
        except httpx.TransportError as error:
            return no_answer(error)
        except ValueError:
            return no_runtime(response)
        return None


async def _each(inputs: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(inputs, AsyncIterable):
        async for value in inputs:
            yield value
    else:
        for value in inputs:
            yield value
