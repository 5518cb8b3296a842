"""What the runtime is measured against: bare uvicorn, and FastAPI with the program in-process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel

from tests.benchmarks.serving.program import run

Message = MutableMapping[str, Any]


async def echo(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answers every request with its own body, as plain ASGI."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Input(BaseModel):
    """The task's input."""

    text: str


class Asked(BaseModel):
    """A request as the runtime takes it."""

    input: Input


class Answered(BaseModel):
    """What the program said."""

    output: Literal["spam", "ham"]
    confidence: float


fastapi = FastAPI(openapi_url=None)


@fastapi.post("/execute")
async def execute(asked: Asked) -> Answered:
    """Runs the program in this very process."""
    output, confidence = run(asked.input.model_dump())
    return Answered(output=output, confidence=confidence)
