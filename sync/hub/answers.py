"""How the hub answers: JSON, problem details (RFC 9457), and who may ask for what."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pydantic
from sqlalchemy.exc import DataError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from runtime.models import Model
from sync.hub.hub_keys import Caller, HubKeys
from sync.hub.packages import ConflictError
from sync.signalr.endpoint import read_token

logger = logging.getLogger("loopai.hub")

Handler = Callable[[Request, Caller], Awaitable[Response]]
Shape = TypeVar("Shape", bound=Model)
PROBLEM = "application/problem+json"
RETRY_AFTER = {"retry-after": "5"}


class HubProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, status: int, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.more = status, title, detail, more


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """A problem as a response."""
    kind = "urn:loopai:problem:" + title.lower().replace(" ", "-")
    body = {"type": kind, "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type=PROBLEM)


class Guard:
    """Lets a handler answer callers whose key has one of the scopes it wants."""

    def __init__(self, keys: HubKeys) -> None:
        self._keys = keys

    def __call__(self, handler: Handler, *scopes: str) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            return await handler(request, await self.caller(request, *scopes))

        return guarded

    async def caller(self, request: HTTPConnection, *scopes: str) -> Caller:
        """Whose request that is. Raises HubProblemError (401, 403)."""
        token = read_token(request)
        caller = self._keys.known(token)
        if caller is None:
            caller = await run_in_threadpool(self._keys.check, token)
        if caller is None:
            raise HubProblemError(
                401, "Unauthorized", "Send a key of this hub as 'Authorization: Bearer <key>'."
            )
        if not set(scopes) & set(caller.scopes):
            may = ", ".join(caller.scopes)
            detail = f"This needs the scope {' or '.join(scopes)}; this key has {may}."
            raise HubProblemError(403, "Forbidden", detail)
        return caller


async def read_model(request: Request, shape: type[Shape], most: int = 1_000_000) -> Shape:
    """The body as `shape`. Raises HubProblemError (413, 422)."""
    body = await read_limited(request, most)
    try:
        return shape.model_validate_json(body or b"{}")
    except pydantic.ValidationError as error:
        errors = [
            {"path": "/" + "/".join(map(str, one["loc"])), "message": one["msg"]}
            for one in error.errors()
        ]
        raise HubProblemError(
            422, "Invalid input", "The body is not as it must be.", errors=errors
        ) from None


async def read_limited(request: Request, most: int) -> bytes:
    """The whole body. Raises HubProblemError (413)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HubProblemError(413, "Body too large", f"At most {most:,} bytes are read.")
    return bytes(body)


async def on_hub_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubProblemError)
    answer = problem(error.status, error.title, error.detail, **error.more)
    if error.status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


async def on_known_error(request: Request, error: Exception) -> Response:
    """Errors that are sentences for the person who meets them."""
    if isinstance(error, NotFoundError):
        return problem(404, "Not found", str(error))
    if isinstance(error, ConflictError):
        return problem(409, "Conflict", str(error))
    if isinstance(error, InvalidInputError):
        return problem(422, "Invalid input", str(error))
    return problem(500, "Internal error", str(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, f"{request.method} {request.url.path}")


async def on_database_error(request: Request, error: Exception) -> Response:
    if isinstance(error, DataError):
        return problem(422, "Invalid input", "It holds a value that cannot be stored.")
    logger.error("the database failed: %s", str(error).splitlines()[0])
    answer = problem(503, "Storage unavailable", "The hub's database cannot be used now.")
    answer.headers.update(RETRY_AFTER)
    return answer


KNOWN_ERRORS = (LoopaiError,)
