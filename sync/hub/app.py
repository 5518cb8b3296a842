"""The hub as one ASGI application over a store, a signing key and a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
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

from runtime.errors import LoopaiError
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of
from sync.hub import answers
from sync.hub.announcements import tell_for_ever
from sync.hub.answers import Guard, HubProblemError
from sync.hub.artifact_routes import artifact_routes
from sync.hub.box_routes import box_routes
from sync.hub.central_execution import CentralExecution
from sync.hub.deployments import Deployments
from sync.hub.execute_routes import execute_routes
from sync.hub.facts import connection_secret
from sync.hub.hub_keys import Caller, HubKeys
from sync.hub.improvement.routes import improvement_routes
from sync.hub.notifications import NEW_ARTIFACT, PATH, Notifications
from sync.hub.operations import Operation, hub_document
from sync.hub.oracle import oracle_routes
from sync.hub.packages import Packages
from sync.hub.rate_limit import RateLimit
from sync.hub.relay import Relay
from sync.hub.retention import drop_for_ever
from sync.hub.revoked_connections import end_revoked_for_ever
from sync.hub.store import Store
from sync.hub.team_routes import team_routes
from sync.own_key import OwnKey
from sync.signalr import ConnectionTokens, Limits, signalr_routes

PER_MINUTE = 6000
EXECUTIONS_PER_MINUTE = 60_000


def make_app(
    store: Store,
    key: OwnKey,
    folder: Path,
    *,
    origins: Sequence[str] = (),
    per_minute: int = PER_MINUTE,
    executions: int = EXECUTIONS_PER_MINUTE,
    limits: Limits | None = None,
    alone: bool = True,
) -> Starlette:
    """The hub, which executes in `folder`. Pages of `origins` may connect to its SignalR endpoint;
    each key may ask `per_minute` times, and for so many `executions`. `alone`: no other process
    serves this address."""
    keys = HubKeys(store)
    tokens = ConnectionTokens(connection_secret(store))
    guard = Guard(keys)
    deployments, packages = Deployments(store), Packages(store, key)
    central = CentralExecution(folder, store, packages)

    def heard(tenant: str, target: str, arguments: list[Any]) -> None:
        """What another process of this hub told its clients."""
        if target == NEW_ARTIFACT:
            central.published(tenant)
        notifications.tell_here(tenant, target, arguments)

    relay = Relay(store, heard)
    notifications = Notifications(deployments, limits, relay.pass_on)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        def ask() -> None:
            with store.read() as connection:
                connection.execute(text("SELECT 1"))

        await run_in_threadpool(ask)
        return JSONResponse({"status": "ready", "clients": len(notifications.hub.connections)})

    async def openapi(request: Request) -> Response:
        return JSONResponse(document)

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

    def published(tenant: str, task: str, version: int) -> int:
        central.published(tenant)
        return notifications.new_artifact(tenant, task, version)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        notifications.hub.start()
        await relay.start()
        await central.start()
        telling = asyncio.create_task(tell_for_ever(store, published, notifications.alert))
        dropping = asyncio.create_task(drop_for_ever(store))
        ending = asyncio.create_task(end_revoked_for_ever(keys, notifications.hub))
        yield
        for task in (telling, dropping, ending):
            task.cancel()
        await asyncio.gather(telling, dropping, ending, return_exceptions=True)
        await relay.stop()
        await notifications.hub.stop()
        await central.close()
        await run_in_threadpool(store.close)

    told: Json = {"type": "string"}
    public = object_of(
        {"id": told, "public": told, "algorithm": told, "statements": list_of(ANY_OBJECT)}
    )
    operations = [
        *execute_routes(guard, central),  # first, as they are asked for most
        Operation("GET", "/health", "Whether it runs", health, (), object_of({"status": told})),
        Operation(
            "GET", "/ready", "Whether its database answers", ready, (),
            object_of({"status": told, "clients": {"type": "integer"}}), errors=(503,),
        ),
        Operation("GET", "/openapi.json", "This document", openapi, (), ANY_OBJECT),
        Operation(
            "GET", "/api/v1/signing-key", "The public key that versions are signed with",
            signing_key, ("edge", "read", "publish", "admin"), public,
        ),
        *artifact_routes(packages, published, relayed=store.url is not None),
        *box_routes(store, deployments, packages),
        *team_routes(store, keys),
        *improvement_routes(store, packages),
        *oracle_routes(store, packages),
    ]  # fmt: skip
    document = hub_document(operations, version("loopai-workbench"))
    app = Starlette(
        routes=[
            *(one.route(guard) for one in operations),
            *signalr_routes(
                PATH, notifications.hub, authenticate, origins, tokens=tokens, alone=alone
            ),
        ],
        middleware=[Middleware(RateLimit, keys=keys, per_minute=per_minute, executions=executions)],
        exception_handlers={
            HubProblemError: answers.on_hub_problem,
            HTTPException: answers.on_http_error,
            LoopaiError: answers.on_known_error,
            SQLAlchemyError: answers.on_database_error,
        },
        lifespan=lifespan,
    )
    app.state.notifications = notifications
    app.state.relay = relay
    app.state.keys = keys
    return app


def open_hub(folder: Path, database: str | None = None) -> tuple[Store, OwnKey]:
    """A hub's database and signing key, made where they are not there. Raises LoopaiError."""
    store = Store(database) if database else Store.in_folder(folder)
    return store, OwnKey(folder)
