"""Executes at the hub what callers ask of this box (`runtime.mode: central`).

What is plainly wrong is refused here; the hub runs the rest and logs it. A caller's key stays
here, the hub sees this box's own. Nothing is asked twice: it might be executed twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.schema_check import SchemaCheck
from runtime.server.answers import JSON, KINDS, Answer, json_answer, problem
from runtime.server.execution import Outcome
from runtime.server.refusals import invalid_input, queue_full
from runtime.server.request_body import decode_request, too_large
from runtime.slug import check_slug
from runtime.tasks import load_task
from runtime.tls.contexts import explain
from sync.hub_client import hub_tls

#: Connections to the hub, of each HTTP worker.
MOST_CONNECTIONS = 100
CONNECT_SECONDS = 5.0
#: An answer may take so long beyond what a program may.
ANSWER_SECONDS = 10.0
#: Shorter than the hub keeps an idle connection: one that it has closed is not used.
IDLE_SECONDS = 2.0
MOST_LANES = 10_000
PROBLEM_PREFIX = "urn:loopai:problem:"
RETRY_SOON = (b"retry-after", b"2")

logger = logging.getLogger("loopai.central")


@dataclass(slots=True, eq=False)
class FarJob:
    """One item of a batch, as it goes to the hub."""

    body: bytes
    index: int = -1
    reply: Callable[[Any, Outcome | Answer], None] | None = None


class Central:
    """The hub as the place where this box's tasks are executed. On one event loop only."""

    def __init__(self, data_dir: DataDir, config: DeploymentConfig) -> None:
        """Raises InvalidInputError where address, key or certificate of the hub cannot be had."""
        self.data_dir = data_dir
        self.max_queue = config.runtime.max_queue
        self.max_body_bytes = config.runtime.max_body_bytes
        self._url = (config.text("cloud", "api_url") or "").rstrip("/")
        self._key = config.text("cloud", "api_key") or ""
        self._tls = hub_tls(config.cloud.tls)
        self._seconds = config.execution.timeout_ms / 1000 + ANSWER_SECONDS
        self._lanes: dict[str, CentralLane] = {}
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """The hub need not be there."""
        place = urlsplit(self._url)
        proxy = None if proxy_bypass(place.netloc) else getproxies().get(place.scheme)
        self._http = aiohttp.ClientSession(
            headers={"authorization": f"Bearer {self._key}"},
            connector=aiohttp.TCPConnector(
                limit=MOST_CONNECTIONS, ssl=self._tls, keepalive_timeout=IDLE_SECONDS
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=self._seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy,
        )
        logger.info("executing at %s", self._url)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def lane(self, task: str) -> CentralLane | None:
        """The way of a task; None for what can be no task's name."""
        lane = self._lanes.get(task)
        if lane is None:
            try:
                check_slug(task)
            except ValueError:
                return None
            lane = CentralLane(task, self)
            if len(self._lanes) < MOST_LANES:
                self._lanes[task] = lane
        return lane

    async def page(self, path: str, request_id: bytes) -> Answer:
        """What the hub says at `/ready` or below `/v1/tasks`; ready is who reaches it."""
        if path == "/ready":
            answer = await self.ask("GET", "/v1/tasks", b"", request_id)
            return answer if answer.kind else json_answer(b'{"status":"ready"}')
        return await self.ask("GET", path, b"", request_id)

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes,
        request_id: bytes,
        media: str = "application/json",
    ) -> Answer:
        """The hub's answer as this box's own."""
        assert self._http is not None
        headers = {"content-type": media, "x-request-id": request_id.decode()}
        try:
            async with self._http.request(
                method, self._url + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # aiohttp's own look like TLS errors and are none; what they were raised from is.
            reason = explain(error.__cause__ or error) or str(error) or type(error).__name__
            return problem("hub-unavailable", f"The hub does not answer: {reason}.", RETRY_SOON)
        if response.status == 200:
            return json_answer(content)
        return _refused(response, content)


class CentralLane:
    """One task's way to the hub."""

    def __init__(self, name: str, central: Central) -> None:
        self.name = name
        self.max_queue = central.max_queue
        self._central = central
        self._path = f"/v1/execute/{name}"
        self._in_flight = 0
        self._batches: set[asyncio.Task[None]] = set()
        self._check: SchemaCheck | None = None
        self._seen: object = None

    def job(self, body: bytes) -> FarJob | Answer:
        """What an item of a batch asks for, or the problem with it."""
        refused = self._refusal(body)
        if refused is not None:
            return refused
        return FarJob(body.replace(b"\r", b" ").replace(b"\n", b" "))  # one line of the hub's batch

    async def room(self) -> int:
        """One chunk of a batch at a time is with the hub."""
        while self._batches:
            await asyncio.wait(self._batches)
        return self.max_queue

    def submit_batch(self, jobs: Sequence[Any]) -> None:
        """Send some jobs of a batch together."""
        sending = asyncio.ensure_future(self._send(jobs))
        self._batches.add(sending)
        sending.add_done_callback(self._batches.discard)

    async def answer(self, body: bytes, request_id: bytes) -> Answer:
        """The answer to a request of its own."""
        refused = self._refusal(body)
        if refused is not None:
            return refused
        if self._in_flight >= self.max_queue:
            return queue_full(self)
        self._in_flight += 1
        try:
            return await self._central.ask("POST", self._path, body, request_id)
        finally:
            self._in_flight -= 1

    async def _send(self, jobs: Sequence[FarJob]) -> None:
        body = b"\n".join(job.body for job in jobs) + b"\n"
        answer = await self._central.ask(
            "POST", self._path + "/batch", body, b"batch", "application/x-ndjson"
        )
        answers = answer.body.splitlines()
        if answer.kind is None and len(answers) != len(jobs):
            answer = problem("hub-unavailable", "The hub's answer ended too soon.", RETRY_SOON)
        for number, job in enumerate(jobs):
            if job.reply is not None:
                one = answer if answer.kind else Answer(200, [JSON], answers[number])
                job.reply(job, one)

    def _refusal(self, body: bytes) -> Answer | None:
        """What is wrong with a body, as far as this box can tell."""
        if len(body) > self._central.max_body_bytes:
            return too_large(self._central.max_body_bytes)
        decoded = decode_request(body)
        if isinstance(decoded, Answer):
            return decoded
        check = self._schema()
        if check is None or check.is_valid(decoded[1]):
            return None
        return invalid_input(self, check, decoded[1])

    def _schema(self) -> SchemaCheck | None:
        """The schema of the task's file where this box has one; the hub checks in any case."""
        file = self._central.data_dir.task_file(self.name)
        try:
            stat = file.stat()
        except OSError:
            self._seen = self._check = None
            return None
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            self._seen = seen
            try:
                task = load_task(self._central.data_dir, self.name, with_examples=False)
                self._check = SchemaCheck(task.input_schema, "input_schema")
            except LoopaiError as error:
                logger.error("the hub alone checks inputs of %s: %s", self.name, error)
                self._check = None
        return self._check


def _refused(response: aiohttp.ClientResponse, content: bytes) -> Answer:
    """The hub's problem as this box's: the program's are passed on, those of this box are not."""
    try:
        told = msgspec.json.decode(content)
        detail = str(told["detail"])
        kind = str(told["type"]).removeprefix(PROBLEM_PREFIX)
    except (msgspec.DecodeError, KeyError, TypeError):
        detail, kind, told = response.reason or "no reason", "", {}
    status = response.status
    wait = response.headers.get("retry-after", "")
    headers = [(b"retry-after", wait.encode())] if wait.isdecimal() else []
    if status in (401, 403):
        logger.error("the hub refuses this box's key: %s", detail)
        said = f"The hub refuses this box's key ({status}): {detail}"
        return problem("hub-unavailable", said, RETRY_SOON)
    if status == 429:
        return problem("queue-full", detail, *(headers or [RETRY_SOON]))
    if KINDS.get(kind, (0, ""))[0] == status:
        own = ("type", "title", "status", "detail", "request_id")
        more = {name: value for name, value in told.items() if name not in own}
        return problem(kind, detail, *headers, **more)
    return problem("hub-unavailable", f"The hub answers {status}: {detail}", RETRY_SOON)


def open_central(data_dir: DataDir, config: DeploymentConfig) -> Central:
    """The hub of the configuration. Raises LoopaiError."""
    return Central(data_dir, config)
