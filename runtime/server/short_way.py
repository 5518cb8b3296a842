"""The short way of a single execution: from the connection to its lane and back, with no task, no
request object and one write. What is not plainly such a request goes the ordinary way.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from runtime.server.answers import STATUS_LINES, Answer
from runtime.server.app import DEFAULT_ROUTE, TASK_ROUTE, Application, log_slow
from runtime.server.execution import Job, Outcome
from runtime.server.lane import Lane
from runtime.server.refusals import queue_full
from runtime.server.request_body import too_large
from runtime.server.request_head import with_request_id

if TYPE_CHECKING:
    from runtime.server.connection import Connection

MOST_KNOWN_URLS = 1000
_TASK_ROUTE = TASK_ROUTE.encode()


class ShortWay:
    """Decides which requests take the short way through an application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._names = {DEFAULT_ROUTE.encode(): application.default_task}
        self._date: object = None
        self._ok = b""

    def begin(self, connection: Connection) -> Exchange | None:
        """The exchange of a request whose head is complete; None for the ordinary way."""
        application = self.application
        url = connection.url
        name = self._names.get(url)
        if name is None:
            name = self._name_of(url)
        served = application.tasks.by_name.get(name) if name else None
        parser = connection.parser
        if (
            served is None
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or connection.expect_100_continue
            or connection.flow.write_paused
        ):
            return None
        headers = connection.headers
        request_id, refusal = application.head.read(headers)
        access = application.access
        if refusal is not None or (access.required and not access.admits(headers, "execute")):
            return None
        return Exchange(self, connection, served.lane, request_id, parser.should_keep_alive())

    def ok_head(self, connection: Connection) -> bytes:
        """The head of a success up to its length; the date in it changes once a second."""
        headers = connection.server_state.default_headers
        if headers is not self._date:
            self._date = headers
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self._ok = b"%b%bcontent-type: application/json\r\ncontent-length: " % (
                STATUS_LINES[200],
                lines,
            )
        return self._ok

    def _name_of(self, url: bytes) -> str | None:
        if not url.startswith(_TASK_ROUTE):
            return None
        name = url[len(_TASK_ROUTE) :].decode("latin-1")
        if name not in self.application.tasks.by_name:
            return None
        if len(self._names) < MOST_KNOWN_URLS:
            self._names[url] = name
        return name


class _NoEvent:
    """Stands for the event that a task would wait on."""

    def set(self) -> None:
        """Nobody waits."""


_NO_EVENT = _NoEvent()


class Exchange:
    """One request and its answer, in the place where uvicorn keeps a request's cycle."""

    __slots__ = (
        "body",
        "connection",
        "disconnected",
        "keep_alive",
        "lane",
        "message_event",
        "more_body",
        "request_id",
        "response_complete",
        "response_started",
        "started",
        "way",
    )

    def __init__(
        self,
        way: ShortWay,
        connection: Connection,
        lane: Lane,
        request_id: bytes | None,
        keep_alive: bool,
    ) -> None:
        self.way = way
        self.connection = connection
        self.lane = lane
        self.request_id = request_id
        self.keep_alive = keep_alive
        self.body = b""
        self.started = 0.0
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.message_event = _NO_EVENT

    def take(self, body: bytes) -> None:
        """A piece of the request's body."""
        if self.response_complete:
            return
        self.body = self.body + body if self.body else body
        limit = self.way.application.max_body_bytes
        if len(self.body) > limit:
            self._answer(self.way.application.counted(self.lane, too_large(limit)))

    def run(self) -> None:
        """The body is complete: have it executed."""
        if self.response_complete:
            return
        self.more_body = False
        application, lane = self.way.application, self.lane
        job = application.job(lane, self.connection.headers, self.body)
        self.body = b""
        if isinstance(job, Answer):
            self._answer(job)
            return
        job.reply = self.reply
        self.started = perf_counter()
        if not lane.accept(job):
            self._answer(application.counted(lane, queue_full(lane)))

    def reply(self, job: Job, outcome: Outcome | Answer) -> None:
        """Send what came of the job."""
        way = self.way
        elapsed_ms = (perf_counter() - self.started) * 1000
        if elapsed_ms > way.application.slow_ms:
            answer = outcome.answer() if isinstance(outcome, Outcome) else outcome
            log_slow(self.lane, answer, elapsed_ms, self.request_id)
        if self.response_complete:
            return
        if isinstance(outcome, Outcome):
            if outcome.problem is None and self.request_id is None and self.keep_alive:
                connection = self.connection
                body = outcome.body
                head = way.ok_head(connection)
                self._complete(b"%b%d\r\n\r\n%b" % (head, len(body), body))
                return
            outcome = outcome.answer()
        if outcome.kind is not None:
            way.application.counted(self.lane, outcome)
        self._answer(outcome)

    def stop(self, answer: Answer) -> None:
        """Answer at once, whatever comes of the job."""
        if not self.response_complete:
            self.keep_alive = False
            self._answer(self.way.application.counted(self.lane, answer))

    def _answer(self, answer: Answer) -> None:
        if self.request_id is not None or answer.kind is not None:
            head = self.way.application.head
            answer = with_request_id(answer, self.request_id or head.new_id())
        headers = [*self.connection.server_state.default_headers, *answer.headers]
        if (b"connection", b"close") in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self._complete(b"%b%b\r\n%b" % (STATUS_LINES[answer.status], lines, answer.body))

    def _complete(self, data: bytes) -> None:
        self.response_complete = True
        connection = self.connection
        transport = connection.transport
        if not transport.is_closing():
            transport.write(data)
            if not self.keep_alive:
                transport.close()
        connection.exchange_is_over()
