"""What boxes send and what a platform team looks at: deployments, telemetry, figures, tickets."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from runtime.errors import InvalidInputError
from sync.hub.answers import Guard, read_limited, read_model
from sync.hub.collector import Collector
from sync.hub.deployments import Deployments, Heartbeat, Registration
from sync.hub.figures import task_figures
from sync.hub.hub_keys import Caller
from sync.hub.packages import Packages
from sync.hub.store import Store
from sync.hub.tickets import CLOSED, OPEN, Tickets

MAX_BATCH_BYTES = 10_000_000


def box_routes(
    guard: Guard, store: Store, deployments: Deployments, packages: Packages
) -> list[BaseRoute]:
    """The routes for boxes and for those who watch them."""
    collector, tickets = Collector(store), Tickets(store)

    async def register(request: Request, caller: Caller) -> Response:
        box = await read_model(request, Registration)
        await run_in_threadpool(deployments.register, caller, box)
        latest = await run_in_threadpool(packages.latest, caller.tenant)
        return JSONResponse({"deployment_id": box.deployment_id, "latest": latest}, 201)

    async def heartbeat(request: Request, caller: Caller) -> Response:
        beat = await read_model(request, Heartbeat)
        identity = request.path_params["deployment"]
        await run_in_threadpool(deployments.heartbeat, caller.tenant, identity, beat)
        return JSONResponse({"latest": await run_in_threadpool(packages.latest, caller.tenant)})

    async def list_deployments(request: Request, caller: Caller) -> Response:
        found = await run_in_threadpool(deployments.listed, caller.tenant)
        return JSONResponse({"deployments": found})

    async def one_deployment(request: Request, caller: Caller) -> Response:
        identity = request.path_params["deployment"]
        return JSONResponse(await run_in_threadpool(deployments.get, caller.tenant, identity))

    async def telemetry(request: Request, caller: Caller) -> Response:
        body = await read_limited(request, MAX_BATCH_BYTES)
        return JSONResponse(await run_in_threadpool(collector.take, caller, body))

    async def figures(request: Request, caller: Caller) -> Response:
        since = request.query_params.get("since", "")
        task = request.path_params["task"]
        found = await run_in_threadpool(task_figures, store, caller.tenant, task, since)
        return JSONResponse({"task": task, "versions": found})

    async def list_tickets(request: Request, caller: Caller) -> Response:
        state = request.query_params.get("state")
        if state not in (None, OPEN, CLOSED):
            raise InvalidInputError(f"A ticket's state is {OPEN} or {CLOSED}.")
        found = await run_in_threadpool(tickets.listed, caller.tenant, state)
        return JSONResponse({"tickets": found})

    async def close_ticket(request: Request, caller: Caller) -> Response:
        number: Any = request.path_params["number"]
        await run_in_threadpool(tickets.close, caller.tenant, number, caller.key_id)
        return JSONResponse({"number": number, "state": CLOSED})

    look = ("read", "admin")
    one = "/api/v1/deployments/{deployment}"
    return [
        Route("/api/v1/deployments", guard(register, "edge"), methods=["POST"]),
        Route("/api/v1/deployments", guard(list_deployments, *look)),
        Route(one, guard(one_deployment, "edge", *look)),
        Route(one + "/heartbeat", guard(heartbeat, "edge"), methods=["POST"]),
        Route("/api/v1/telemetry", guard(telemetry, "edge"), methods=["POST"]),
        Route("/api/v1/metrics/{task}", guard(figures, *look)),
        Route("/api/v1/tickets", guard(list_tickets, *look)),
        Route("/api/v1/tickets/{number:int}/close", guard(close_ticket, "admin"), methods=["POST"]),
    ]
