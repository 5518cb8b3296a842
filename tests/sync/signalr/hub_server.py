"""A hub in a process of its own, as the tests' clients meet it: `python -m ... PORT`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from sync.signalr import Connection, Hub, HubError, Limits, signalr_routes

PATH = "/hubs/test"
TOKEN = "let-me-in"
ORIGIN = "http://page.example"


def make_app(limits: Limits | None = None) -> tuple[Starlette, Hub]:
    """A hub whose methods show every way of calling."""
    hub = Hub(limits)

    async def add(connection: Connection, left: int, right: int) -> int:
        return left + right

    async def nothing(connection: Connection) -> None:
        return None

    async def refuse(connection: Connection, reason: str) -> None:
        raise HubError(reason)

    async def crash(connection: Connection) -> None:
        raise ValueError("a secret of the server")

    async def count(connection: Connection, upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number
            await asyncio.sleep(0)

    async def forever(connection: Connection) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.01)
        finally:
            hub.send_all("stopped")

    async def hang(connection: Connection) -> None:
        await asyncio.Event().wait()

    async def total(connection: Connection, items: AsyncIterator[Any]) -> int:
        return sum([item async for item in items])

    async def tell(connection: Connection, text: str) -> int:
        return hub.send_all("told", text)

    async def flood(connection: Connection, size: int) -> None:
        hub.send_all("told", "x" * size)

    async def who(connection: Connection) -> Any:
        return connection.identity

    for function in (add, nothing, refuse, crash, count, forever, hang, total, tell, flood, who):
        hub.method(function.__name__, function)

    async def authenticate(request: HTTPConnection, token: str | None) -> str:
        if token not in (TOKEN, "other"):
            raise PermissionError("A key is needed.")
        return token

    app = Starlette(routes=signalr_routes(PATH, hub, authenticate, [ORIGIN]))
    return app, hub


async def _serve(port: int) -> None:
    app, hub = make_app()
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    hub.start()
    await server.serve()
    await hub.stop()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
