"""What leaves the server: JSON answers, and problem details (RFC 9457) for everything that failed.

Every kind of problem the server can answer with is listed here, and nowhere else.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")

Header = tuple[bytes, bytes]

# kind -> (status, title). `type` in the body is "urn:loopai:problem:<kind>".
KINDS: dict[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is not JSON"),
    "malformed-http": (400, "The request is not HTTP"),
    "malformed-query": (400, "The query is wrong"),
    "unauthorized": (401, "A valid serving key is needed"),
    "forbidden": (403, "This key does not allow it"),
    "cross-site": (403, "Pages of other sites may not call"),
    "not-found": (404, "There is nothing here"),
    "unknown-task": (404, "There is no such task"),
    "unknown-version": (404, "There is no such version"),
    "method-not-allowed": (405, "This method is not answered here"),
    "damaged": (409, "What is stored is damaged"),
    "request-timeout": (408, "The request came too slowly"),
    "body-too-large": (413, "The body is too large"),
    "misdirected": (421, "The request is for another host"),
    "invalid-input": (422, "The input does not follow the schema"),
    "queue-full": (429, "Too many requests are waiting"),
    "head-too-large": (431, "The headers are too large"),
    "internal-error": (500, "The server failed"),
    # The server is well, the program it asked is not: to the caller, a bad gateway.
    "program-error": (502, "The program failed"),
    "invalid-output": (502, "The program's output does not follow the schema"),
    "answers-too-large": (502, "The answers of the batch are too large"),
    "sandbox-unavailable": (503, "There is no sandbox to run it in"),
    "too-many-connections": (503, "Too many connections are open"),
    "storage-unavailable": (503, "The data directory cannot be read or written"),
    "no-active-program": (503, "No program is active"),
    "statistics-unavailable": (503, "The statistics cannot be had"),
    "not-ready": (503, "This runtime cannot serve now"),
    "hub-unavailable": (503, "The hub that executes cannot be had now"),
    "stopping": (503, "The server is stopping"),
    "log-unwritable": (503, "The execution could not be logged, so it does not count"),
    "timeout": (504, "The program ran out of time"),
}

STATUS_LINES = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    for status in {200, *(status for status, _ in KINDS.values())}
}

encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """One whole HTTP response; `kind` is the problem's, None where there is none."""

    status: int
    headers: list[Header]
    body: bytes
    kind: str | None = None


def json_answer(body: bytes) -> Answer:
    """200 with a JSON body."""
    return Answer(200, [JSON, (b"content-length", b"%d" % len(body))], body)


def problem(kind: str, detail: str, *headers: Header, **more: Any) -> Answer:
    """A problem of one of `KINDS`; `detail` is one sentence, `more` are further members."""
    status, title = KINDS[kind]
    content = {
        "type": f"urn:loopai:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        **more,
    }
    body = encode(content)
    return Answer(status, [PROBLEM, (b"content-length", b"%d" % len(body)), *headers], body, kind)
