"""What boxes send and what is to be seen of it: deployments, telemetry, figures."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.clock import format_time
from runtime.data_dir import checked_slug
from runtime.errors import InvalidInputError
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of
from sync.hub.answers import read_limited, read_model
from sync.hub.collector import Collector
from sync.hub.deployments import Deployments, Heartbeat, Registration
from sync.hub.figures import task_figures
from sync.hub.hub_keys import Caller
from sync.hub.operations import Operation, header, query
from sync.hub.packages import Packages
from sync.hub.store import Store

MAX_BATCH_BYTES = 10_000_000


def box_routes(store: Store, deployments: Deployments, packages: Packages) -> list[Operation]:
    """What boxes ask for, and what is to be seen of them."""
    collector = Collector(store)

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
        key = request.headers.get("idempotency-key")
        return JSONResponse(await run_in_threadpool(collector.take, caller, body, key))

    async def figures(request: Request, caller: Caller) -> Response:
        since = _moment(request.query_params.get("since"))
        task = checked_slug(request.path_params["task"])
        found = await run_in_threadpool(task_figures, store, caller.tenant, task, since)
        return JSONResponse({"task": task, "versions": found})

    look = ("read", "admin")
    one = "/api/v1/deployments/{deployment}"
    text: Json = {"type": "string"}
    latest = {"type": "object", "additionalProperties": {"type": "integer"}}
    box = object_of(
        {
            "id": text,
            "mode": text,
            "privacy_mode": text,
            "registered_at": text,
            "seen_at": text,
            "alive": {"type": "boolean"},
            "tasks": ANY_OBJECT,
            "status": ANY_OBJECT,
        }
    )
    counted = {"type": "integer", "minimum": 0}
    rejected = object_of({"row": {"type": "integer", "minimum": 1}, "reason": text})
    return [
        Operation(
            "POST", "/api/v1/deployments", "Register a box, or say what has changed of it",
            register, ("edge",), object_of({"deployment_id": text, "latest": latest}),
            status=201, body=Registration,
        ),
        Operation(
            "GET", "/api/v1/deployments", "The boxes, and which version of which task each runs",
            list_deployments, look, object_of({"deployments": list_of(box)}),
        ),
        Operation("GET", one, "One box", one_deployment, ("edge", *look), box, errors=(404,)),
        Operation(
            "POST", one + "/heartbeat", "A sign of life", heartbeat, ("edge",),
            object_of({"latest": latest}), body=Heartbeat, errors=(404,),
        ),
        Operation(
            "POST", "/api/v1/telemetry", "A batch of telemetry, counted once however often sent",
            telemetry, ("edge",),
            object_of(
                {
                    "accepted": counted, "known": counted,
                    "rejected": list_of(rejected), "rejected_count": counted,
                }
            ),
            body={"type": "string", "contentMediaType": "application/gzip"},
            body_media="application/gzip", errors=(409,),
            parameters=[header("Idempotency-Key", "The batch's key once more, if at all.")],
        ),
        Operation(
            "GET", "/api/v1/metrics/{task}", "What all boxes told of a task, by version",
            figures, look, object_of({"task": text, "versions": list_of(ANY_OBJECT)}),
            errors=(422,),
            parameters=[query("since", {"type": "string", "format": "date-time"}, "From when on.")],
        ),
    ]  # fmt: skip


def _moment(given: str | None) -> str:
    """A time as the tables have it. Raises InvalidInputError."""
    if given is None:
        return ""
    try:
        moment = datetime.fromisoformat(given)
        return format_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise InvalidInputError("since is a time such as 2026-11-22T10:00:00Z.") from None
