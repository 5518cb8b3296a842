"""What the pages have in common: problems as responses, and small JSON bodies read with care."""

from __future__ import annotations

import logging
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from runtime.server.answers import Answer, problem

MAX_BODY = 10_000

logger = logging.getLogger("loopai.server")

Shape = TypeVar("Shape", bound=msgspec.Struct)


class ProblemError(Exception):
    """Ends a page's work; `answer` is what the caller gets."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.kind)
        self.answer = answer


def response_of(answer: Answer) -> Response:
    """An answer as Starlette sends it."""
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=headers)


async def read_shape(request: Request, shape: type[Shape]) -> Shape:
    """The body as `shape`; an empty body is an empty object. Raises ProblemError."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            detail = f"At most {MAX_BODY:,} bytes are read."
            raise ProblemError(problem("body-too-large", detail, (b"connection", b"close")))
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").replace(".", "/")
        errors = [{"path": path, "message": message}]
        raise ProblemError(
            problem("invalid-input", "The body does not say what it must.", errors=errors)
        ) from None
    except (ValueError, RecursionError) as error:
        raise ProblemError(problem("malformed-json", f"{error}.")) from None


def query_number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number of the query, 1 to `most`. Raises ProblemError."""
    given = request.query_params.getlist(name)
    if not given:
        return default
    if len(given) == 1 and given[0].isascii() and given[0].isdecimal() and len(given[0]) < 10:
        number = int(given[0])
        if 1 <= number <= most:
            return number
    raise ProblemError(problem("malformed-query", f"{name} must be a whole number, 1 to {most}."))


def query_choice(request: Request, name: str, choices: tuple[str, ...]) -> str | None:
    """One of `choices` from the query, None when it is not there. Raises ProblemError."""
    given = request.query_params.getlist(name)
    if not given:
        return None
    if len(given) == 1 and given[0] in choices:
        return given[0]
    raise ProblemError(problem("malformed-query", f"{name} must be one of {', '.join(choices)}."))


async def answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return response_of(error.answer)


async def answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = [(k.encode(), v.encode()) for k, v in (error.headers or {}).items()]
    if error.status_code == 405:
        detail = f"{request.method} is not answered at {request.url.path}."
        return response_of(problem("method-not-allowed", detail, *headers))
    return response_of(problem("not-found", f"There is nothing at {request.url.path}."))


async def answer_not_found(request: Request, error: Exception) -> Response:
    return response_of(problem("unknown-task", str(error)))


async def answer_loopai(request: Request, error: Exception) -> Response:
    damaged = isinstance(error, InvalidInputError)
    return response_of(problem("damaged" if damaged else "internal-error", str(error)))


async def answer_disk(request: Request, error: Exception) -> Response:
    reason = error.strerror if isinstance(error, OSError) else None
    return response_of(
        problem("storage-unavailable", f"{reason or error}.", (b"retry-after", b"1"))
    )


async def answer_failure(request: Request, error: Exception) -> Response:
    # The traceback follows in the log; the caller learns only that it happened.
    logger.error("request %s failed: %s", request.scope["request_id"], type(error).__name__)
    return response_of(problem("internal-error", "Something failed; see the server's log."))


HANDLERS = {
    HTTPException: answer_http,
    ProblemError: answer_problem,
    NotFoundError: answer_not_found,
    LoopaiError: answer_loopai,
    OSError: answer_disk,
    Exception: answer_failure,
}
