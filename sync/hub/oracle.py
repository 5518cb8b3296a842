"""The hub as an oracle: what is right for an input, from what people and labelled data over all
boxes of a tenant say, else from a version of its own that is named as the reference.

People who contradict each other are no answer. It learns nothing from being asked.
"""

from __future__ import annotations

import threading
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.artifact_files import PROGRAM, without_launcher
from runtime.artifact_package import read_package
from runtime.data_dir import checked_slug
from runtime.errors import NotFoundError, Problem
from runtime.models import Model
from runtime.sandbox import Limits, Sandbox
from runtime.server.openapi_parts import object_of
from runtime.strict_json import canonical
from sync.hub import tables
from sync.hub.answers import read_model
from sync.hub.collector import input_key
from sync.hub.hub_keys import Caller
from sync.hub.operations import Operation
from sync.hub.packages import Packages
from sync.hub.retention import TRUSTED
from sync.hub.specifications import Specifications
from sync.hub.store import Store

LIMITS = Limits(timeout_ms=5000, memory_mb=512)
MOST_VOICES = 100


class Question(Model):
    """An input; with `version`, that version answers where nobody has said what is right."""

    input: dict[str, Any]
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class HubOracle:
    """The answers for all tenants. Safe to use from several threads."""

    def __init__(self, store: Store, packages: Packages) -> None:
        self._store = store
        self._packages = packages
        self._specifications = Specifications(store, packages)
        self._running = threading.Lock()

    def answer(self, tenant: str, task: str, question: Question) -> dict[str, Any]:
        """`{"known", "output", "by"}`. Raises NotFoundError for an unknown task or version."""
        specified = self._specifications.get(tenant, task)
        if specified is None:
            raise NotFoundError(Problem(f"no version of {task} is published here."))
        wanted = canonical(question.input)
        for example in specified.task().examples:
            if canonical(example.input) == wanted:
                return _known(example.output, "examples")
        voices = self._confirmed(tenant, task, input_key(question.input), wanted)
        if voices:
            agreed = len({canonical(output) for output in voices}) == 1
            return _known(voices[0], "people") if agreed else {"known": False}
        if question.version is None:
            return {"known": False}
        return self._run(tenant, task, question.version, question.input)

    def _confirmed(self, tenant: str, task: str, key: str | None, wanted: str) -> list[Any]:
        columns = tables.validations.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(columns.input, columns.oracle_output)
                .where(
                    columns.tenant == tenant,
                    columns.task == task,
                    columns.input_key == key,
                    columns.oracle.in_(TRUSTED),
                )
                .order_by(columns.at.desc())
                .limit(MOST_VOICES)
            ).all()
        return [row.oracle_output for row in rows if canonical(row.input) == wanted]

    def _run(self, tenant: str, task: str, version: int, given: dict[str, Any]) -> dict[str, Any]:
        package = read_package(self._packages.get(tenant, task, version).content)
        source = without_launcher(package.files[PROGRAM].decode())
        # One at a time, each in a sandbox of its own: a question is never urgent.
        with self._running, Sandbox(limits=LIMITS) as sandbox:
            (result,) = sandbox.run(sandbox.load(source), [given])
        return _known(result.output, f"v{version}") if result.ok else {"known": False}


def oracle_routes(store: Store, packages: Packages) -> list[Operation]:
    """The route by which boxes ask."""
    oracle = HubOracle(store, packages)

    async def ask(request: Request, caller: Caller) -> Response:
        question = await read_model(request, Question)
        task = checked_slug(request.path_params["task"])
        return JSONResponse(await run_in_threadpool(oracle.answer, caller.tenant, task, question))

    answer = object_of(
        {"known": {"type": "boolean"}, "output": {}, "by": {"type": "string"}},
        optional=("output", "by"),
    )
    return [
        Operation(
            "POST", "/api/v1/oracle/{task}", "What is right for an input, as far as is known",
            ask, ("edge",), answer, body=Question,
        )
    ]  # fmt: skip


def _known(output: Any, by: str) -> dict[str, Any]:
    return {"known": True, "output": output, "by": by}
