"""OpenAPI 3.1 of what a runtime answers: the fixed routes, and each task with its own schemas.

Made from the tasks that are served now, so it is as true as they are. Checks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.models import TaskSpecification
from runtime.server.answers import KINDS
from runtime.server.openapi_pages import page_paths
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of, ref, responses_of

EXECUTE_ERRORS = (
    *("malformed-json", "unknown-task", "body-too-large", "invalid-input", "queue-full"),
    *("program-error", "no-active-program", "timeout"),
)


def openapi_document(version: str, tasks: Sequence[TaskSpecification], default_task: str) -> Json:
    """The document, as JSON; `version` is the release's, `tasks` are those with a program."""
    schemas: Json = {"Problem": _problem_schema(), "TaskState": _task_state()}
    paths: Json = {"/execute": _execute("Execute the default task", "No program is active.")}
    for task in tasks:
        for kind, schema in (("input", task.input_schema), ("output", task.output_schema)):
            name = f"{task.name}.{kind}"
            schemas[name] = _moved(schema, f"#/components/schemas/{name}")
        execute = _execute(f"Execute {task.name}", task.description, task.name)
        paths[f"/v1/execute/{task.name}"] = execute
        if task.name == default_task:
            paths["/execute"] = execute
    name_parameter = _task_parameter([task.name for task in tasks])
    paths["/execute/batch"] = _batch("Execute the default task on many inputs")
    paths["/v1/execute/{task}/batch"] = {
        "parameters": [name_parameter],
        **_batch("Execute a task on many inputs"),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Loopai runtime",
            "version": version,
            "description": "Runs synthesized programs in a sandbox; every execution is logged "
            "before it is answered. `X-Request-Id` is taken, and given back.",
        },
        "paths": {**paths, **page_paths(name_parameter)},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        # A runtime on loopback that has no keys asks for none.
        "security": [{}, {"key": []}],
    }


def _execute(summary: str, description: str, task: str = "") -> Json:
    wanted = ref(f"{task}.input") if task else ANY_OBJECT
    answer = object_of(
        {
            "output": ref(f"{task}.output") if task else {},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "latency_ms": {"type": "number", "minimum": 0},
            "execution_id": {"type": "string", "format": "uuid"},
            "program_version": {"type": "integer", "minimum": 1},
        },
        optional=("confidence",),
    )
    body = {"type": "object", "properties": {"input": wanted}, "required": ["input"]}
    return {
        "post": {
            "summary": summary,
            "description": description,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": responses_of(answer, EXECUTE_ERRORS),
        }
    }


def _batch(summary: str) -> Json:
    item: Json = {"description": '`{"input": {...}}`; a faulty item is answered by its problem.'}
    lines = {"schema": {"type": "string"}}
    answers = {"type": "array", "items": {"type": "object"}}
    responses = responses_of(answers, ("malformed-json", "unknown-task", "body-too-large"))
    responses["200"]["content"]["application/x-ndjson"] = lines
    return {
        "post": {
            "summary": summary,
            "description": "An array, or JSON lines streamed both ways: read answers while "
            "sending, for only so much is held. Answers come in order, a problem where one failed.",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "array", "items": item}},
                    "application/x-ndjson": lines,
                },
            },
            "responses": responses,
        }
    }


def _problem_schema() -> Json:
    error = object_of({"path": {"type": "string"}, "message": {"type": "string"}})
    return object_of(
        {
            "type": {"enum": [f"urn:loopai:problem:{kind}" for kind in KINDS]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": list_of(error),
        },
        optional=("request_id", "errors"),
    )


def _task_state() -> Json:
    text = {"type": ["string", "null"]}
    return object_of(
        {
            "name": {"type": "string"},
            "id": text,
            "description": text,
            "default": {"type": "boolean"},
            "active_version": {"type": ["integer", "null"]},
            "problem": text,
            "log_problem": text,
            "torn_lines_set_aside": {"type": "integer"},
            "in_flight": {"type": "integer"},
        }
    )


def _task_parameter(names: Sequence[str]) -> Json:
    # Tasks come and go; these are the ones of now.
    schema = {"type": "string", "enum": list(names)} if names else {"type": "string"}
    return {"name": "task", "in": "path", "required": True, "schema": schema}


def _moved(schema: Any, place: str) -> Any:
    """A schema that stands at `place` of another document: its references move along."""
    if isinstance(schema, Mapping):
        return {
            key: place + value[1:]
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, place)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_moved(value, place) for value in schema]
    return schema
