"""The client for plain code. One may be shared by many threads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
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
from runtime.client.batch import GROUP, HEADERS, Group, in_groups
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


class Client:
    """Executes inputs at a runtime.

        with Client("http://127.0.0.1:8080") as client:
            print(client.execute({"text": "buy now"}).output)

    `Retries` says what is tried again. When a connection breaks before its answer came, the
    runtime may have executed the input already: tried again it stands in the log twice, but is
    answered once. Programs only compute, so executing one twice harms nothing.
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
        self._http = httpx.Client(**settings(url, key, timeout, tls))
        self._retries = retries or Retries()

    def execute(
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
                    self._http.post(path_of(task), content=content, headers=headers)
                )
            except httpx.TransportError as error:
                answer = no_answer(error)
            if isinstance(answer, Execution):
                return answer
            pause = attempts.pause(answer)
            if pause is None:
                raise error_of(answer)
            time.sleep(pause)

    def execute_batch(
        self, inputs: Iterable[Any], task: str | None = None, *, group: int = GROUP
    ) -> Iterator[Execution | Failure]:
        """Execute many inputs; yields what became of each, in their order.

        Inputs are taken and sent in groups of at most `group`, so millions need no more memory
        than one group, and whoever stops early has executed at most one group too many. Raises
        ProblemError when the batch as a whole cannot go on, such as for a wrong key.
        """
        for some in in_groups(map(encode_request, inputs), self._retries, group):
            while body := some.body():
                time.sleep(some.pause(self._ask(path_of(task, batch=True), body, some)))
            yield from some.answers()

    def health(self) -> dict[str, Any]:
        """What GET /health says. Raises ProblemError; nothing is tried again."""
        try:
            return decode_health(self._http.get("/health"))
        except httpx.TransportError as error:
            raise error_of(no_answer(error)) from error

    def ready(self) -> bool:
        """Whether the runtime can be reached and has a program for its default task."""
        try:
            return self._http.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, seconds: float = SECONDS_TO_WAIT) -> None:
        """Ask until it is ready. Raises UnavailableError when it is not within `seconds`."""
        ends = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() >= ends:
                raise error_of(not_ready(seconds))
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def close(self) -> None:
        """Close the connections. The client cannot be used again."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _ask(self, path: str, body: bytes, group: Group) -> Failure | None:
        """Feed a group the answer to `body`; returns why it is not whole."""
        try:
            with self._http.stream("POST", path, content=body, headers=HEADERS) as response:
                if response.status_code != 200:
                    response.read()
                    return failure_of(response)
                for data in response.iter_bytes():
                    group.feed(data)
        except httpx.TransportError as error:
            return no_answer(error)
        except ValueError:
            return no_runtime(response)
        return None
