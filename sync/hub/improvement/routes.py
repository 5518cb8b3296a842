"""The improvement engine over HTTP: what it does and why, a brake, and what it learns from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.models import Model
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of
from sync.hub.answers import Handler, read_model
from sync.hub.hub_keys import Caller
from sync.hub.improvement.ledger import Ledger
from sync.hub.improvement.settings import ImprovementSettings
from sync.hub.improvement.shown import shown_task, shown_tenant
from sync.hub.operations import Operation
from sync.hub.packages import Packages
from sync.hub.specifications import MAX_EXAMPLES, Specifications
from sync.hub.store import Store

MOST_BYTES = 50_000_000


class GivenSpecification(Model):
    """A task's `task.yaml`, and its examples as JSON lines."""

    specification: Annotated[str, Field(min_length=1, max_length=1_000_000)]
    examples: Annotated[str, Field(max_length=MAX_EXAMPLES)] = ""


def improvement_routes(store: Store, packages: Packages) -> list[Operation]:
    """The routes of the improvement engine."""
    ledger = Ledger(store)
    specifications = Specifications(store, packages)

    async def all_tasks(request: Request, caller: Caller) -> Response:
        return JSONResponse(await run_in_threadpool(shown_tenant, ledger, caller.tenant))

    async def one_task(request: Request, caller: Caller) -> Response:
        task = request.path_params["task"]
        return JSONResponse(await run_in_threadpool(shown_task, ledger, caller.tenant, task))

    async def change_settings(request: Request, caller: Caller) -> Response:
        settings = await read_model(request, ImprovementSettings)
        await run_in_threadpool(ledger.set_settings, caller.tenant, caller.key_id, settings)
        return JSONResponse(settings.model_dump(mode="json"))

    def brake(paused: bool, whole: bool) -> Handler:
        async def change(request: Request, caller: Caller) -> Response:
            task = None if whole else request.path_params["task"]

            def pause() -> None:
                ledger.pause(caller.tenant, task, caller.key_id, paused=paused)

            await run_in_threadpool(pause)
            return JSONResponse({"paused": paused} if whole else {"task": task, "paused": paused})

        return change

    async def run(request: Request, caller: Caller) -> Response:
        task = request.path_params["task"]
        await run_in_threadpool(ledger.want, caller.tenant, task, caller.key_id)
        return JSONResponse({"task": task, "wanted": True}, 202)

    async def specify(request: Request, caller: Caller) -> Response:
        given = await read_model(request, GivenSpecification, MOST_BYTES)
        told = await run_in_threadpool(
            specifications.put, caller, request.path_params["task"], given.specification,
            given.examples,
        )  # fmt: skip
        return JSONResponse(told)

    text: Json = {"type": "string"}
    whole: Json = {"type": "integer"}
    flag: Json = {"type": "boolean"}
    standing: Json = {
        "task": text,
        "state": {"enum": ["watching", "waiting"]},
        "reason": text,
        "version": whole,
        "tries": whole,
        "specification_digest": text,
        "ticket": {"type": ["integer", "null"]},
        "paused": flag,
        "wanted": flag,
        "looked_at": {"type": ["string", "null"]},
    }
    tenant = {"paused": flag, "settings": ANY_OBJECT, "tasks": list_of(object_of(standing))}
    told = {"task": text, "digest": text, "examples": whole, "changed": flag}
    base = "/api/v1/improvement"
    one, look = base + "/tasks/{task}", ("read", "admin")
    made = [
        Operation(
            "GET", base, "How the improvement of each task stands", all_tasks, look,
            object_of(tenant),
        ),
        Operation(
            "PUT", base + "/settings", "When it tries and what it takes to publish",
            change_settings, ("admin",), ANY_OBJECT, body=ImprovementSettings,
        ),
        Operation(
            "GET", one, "How one task's stands, with its last runs", one_task, look,
            object_of({**standing, "runs": list_of(ANY_OBJECT)}),
        ),
        Operation(
            "POST", one + "/run", "Try soon, whatever the figures say", run, ("admin",),
            object_of({"task": text, "wanted": flag}), status=202,
        ),
        Operation(
            "PUT", "/api/v1/tasks/{task}/specification",
            "How a task is meant now, with its examples: what programs are made from", specify,
            ("publish",), object_of(told), body=GivenSpecification,
        ),
    ]  # fmt: skip
    for verb, paused in (("pause", True), ("resume", False)):
        what = "Try nothing more" if paused else "Go on after a pause"
        made += [
            Operation(
                "POST", f"{base}/{verb}", f"{what}, for all tasks", brake(paused, True),
                ("admin",), object_of({"paused": flag}),
            ),
            Operation(
                "POST", f"{one}/{verb}", f"{what}, for one task", brake(paused, False),
                ("admin",), object_of({"task": text, "paused": flag}),
            ),
        ]  # fmt: skip
    return made
