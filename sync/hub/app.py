"""The hub as one ASGI application over a store, a signing key and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.errors import LoopaiError
from sync.hub import answers
from sync.hub.answers import Guard, HubProblemError
from sync.hub.artifact_routes import artifact_routes
from sync.hub.box_routes import box_routes
from sync.hub.deployments import Deployments
from sync.hub.hub_keys import Caller, HubKeys
from sync.hub.notifications import PATH, Notifications
from sync.hub.packages import Packages
from sync.hub.rate_limit import RateLimit
from sync.hub.store import Store
from sync.own_key import OwnKey
from sync.signalr import Limits, signalr_routes

PER_MINUTE = 6000


def make_app(
    store: Store,
    key: OwnKey,
    *,
    origins: Sequence[str] = (),
    per_minute: int = PER_MINUTE,
    limits: Limits | None = None,
) -> Starlette:
    """The hub. Pages of `origins` may connect to its SignalR endpoint."""
    keys = HubKeys(store)
    guard = Guard(keys)
    deployments, packages = Deployments(store), Packages(store, key)
    notifications = Notifications(deployments, limits)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        def ask() -> None:
            with store.read() as connection:
                connection.execute(text("SELECT 1"))

        await run_in_threadpool(ask)
        return JSONResponse({"status": "ready", "clients": len(notifications.hub.connections)})

    async def signing_key(request: Request, caller: Caller) -> Response:
        """The public key boxes check with, and by which statements it followed those before it."""

        def read() -> dict[str, Any]:
            now, said = key.current(), [one.as_json() for one in key.statements()]
            return {"id": now.id, "public": now.public, "algorithm": "ed25519", "statements": said}

        return JSONResponse(await run_in_threadpool(read))

    async def authenticate(request: HTTPConnection, token: str | None) -> Caller:
        try:
            return await guard.caller(request, "edge", "read", "admin")
        except HubProblemError as error:
            raise PermissionError(error.detail) from None

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        notifications.hub.start()
        yield
        await notifications.hub.stop()
        await run_in_threadpool(store.close)

    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/api/v1/signing-key", guard(signing_key, "edge", "read", "publish", "admin")),
            *artifact_routes(guard, packages, notifications),
            *box_routes(guard, store, deployments, packages),
            *signalr_routes(PATH, notifications.hub, authenticate, origins),
        ],
        middleware=[Middleware(RateLimit, per_minute=per_minute)],
        exception_handlers={
            HubProblemError: answers.on_hub_problem,
            HTTPException: answers.on_http_error,
            LoopaiError: answers.on_known_error,
            SQLAlchemyError: answers.on_database_error,
        },
        lifespan=lifespan,
    )
    app.state.notifications = notifications
    app.state.keys = keys
    return app


def open_hub(folder: Path, database: str | None = None) -> tuple[Store, OwnKey]:
    """A hub's database and signing key, made where they are not there. Raises LoopaiError."""
    store = Store(database) if database else Store.in_folder(folder)
    return store, OwnKey(folder)
