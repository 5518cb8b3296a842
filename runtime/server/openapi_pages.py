"""The part of the OpenAPI document that describes everything but executions."""

from __future__ import annotations

from collections.abc import Iterable

from runtime.server.dataset_pages import MOST_DAYS, MOST_LINES, STATUSES
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of, ref, responses_of

TASK_ERRORS = ("unknown-task",)


def page_paths(task_parameter: Json) -> Json:
    """The paths of the pages; `task_parameter` names a task in a path."""
    task = {"parameters": [task_parameter]}
    number = {"type": "integer", "minimum": 1}
    optional = {"type": ["integer", "null"], "minimum": 1}
    switched = object_of({"task": {}, "active_version": number, "previous_version": optional})
    reason = {"type": "string", "maxLength": 500}
    version = {**number, "maximum": 999_999_999}
    activate = object_of({"version": version, "reason": reason}, optional=("reason",), closed=True)
    roll_back = object_of(
        {"version": {**version, "type": ["integer", "null"]}, "reason": reason},
        optional=("version", "reason"),
        closed=True,
    )
    listed = object_of({"task": {}, "active_version": optional, "versions": list_of(ANY_OBJECT)})
    line = object_of({"execution_id": {"type": "string"}, "status": {"enum": list(STATUSES)}})
    status = _query("status", {"enum": list(STATUSES)}, "Only executions of this status.")
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_LINES}, "At most.")
    days = _query("days", {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}, "The last days.")
    figures = {name: {"type": "integer"} for name in ("baseline", "candidate", "percent")}
    rollout = object_of({"id": {}, "task": {}, "state": {}, "reason": {}, **figures})
    any_rollout = {"anyOf": [rollout, {"type": "null"}]}
    rollouts = object_of({"task": {}, "rollout": any_rollout, "past": list_of(rollout)})
    damaged = ("damaged", "storage-unavailable")
    health = object_of({"status": {"enum": ["ok", "degraded"]}})
    state = ref("TaskState")
    bad_body = ("malformed-json", "invalid-input", "body-too-large")
    change = (*TASK_ERRORS, *bad_body, "cross-site", "damaged", "storage-unavailable")
    stored = (*TASK_ERRORS, "damaged", "storage-unavailable")
    return {
        "/health": _get("How this worker is", health),
        "/ready": _get(
            "Whether the default task would be answered",
            object_of({"status": {"const": "ready"}}),
            ("no-active-program",),
        ),
        "/metrics": _get("Figures for Prometheus", {"type": "string"}, media="text/plain"),
        "/openapi.json": _get("This document", ANY_OBJECT),
        "/dashboard": _get("What has happened, for people", {"type": "string"}, media="text/html"),
        "/v1/tasks": _get("The tasks", object_of({"tasks": list_of(state)})),
        "/v1/tasks/{task}": {**task, **_get("A task with its schemas", state, TASK_ERRORS)},
        "/v1/artifacts/{task}": {**task, **_get("The versions of a program", listed, stored)},
        "/v1/artifacts/{task}/activate": {
            **task,
            **_post("Make a version the one that serves", activate, switched, change),
        },
        "/v1/artifacts/{task}/rollback": {
            **task,
            **_post(
                "Go back to a version, or to the one before", roll_back, switched, change, False
            ),
        },
        "/v1/rollouts": _get(
            "The last rollout of each task", object_of({"rollouts": list_of(rollout)}), damaged
        ),
        "/v1/rollouts/{task}": {
            **task,
            **_get("How far a rollout is, and why", rollouts, (*TASK_ERRORS, *damaged)),
        },
        "/v1/datasets/{task}/executions": {
            **task,
            **_get(
                "The newest executions, newest first",
                object_of({"task": {}, "executions": list_of(line)}),
                (*stored, "malformed-query"),
                parameters=[limit, status],
            ),
        },
        "/v1/datasets/{task}/stats": {
            **task,
            **_get(
                "Statistics of the last days",
                object_of({"executions": {"type": "integer"}, "latency_ms": {}, "by_day": {}}),
                (*stored, "malformed-query", "statistics-unavailable"),
                parameters=[days],
            ),
        },
    }


def _get(
    summary: str,
    answer: Json,
    errors: Iterable[str] = (),
    *,
    media: str = "application/json",
    parameters: Iterable[Json] = (),
) -> Json:
    responses = responses_of(answer, errors, media)
    return {"get": {"summary": summary, "parameters": [*parameters], "responses": responses}}


def _post(
    summary: str, body: Json, answer: Json, errors: Iterable[str], required: bool = True
) -> Json:
    content = {"application/json": {"schema": body}}
    return {
        "post": {
            "summary": summary,
            "description": "Needs a key that may `admin`, where keys are needed.",
            "requestBody": {"required": required, "content": content},
            "responses": responses_of(answer, errors),
        }
    }


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}
