"""A route of the hub together with what the OpenAPI document says of it, so that both stay true.

It declares; what a route does stands beside the others of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from runtime.errors import NotFoundError
from runtime.models import Model
from runtime.server.openapi_parts import ANY_OBJECT, Json, object_of, ref
from sync.hub.answers import PROBLEM, Guard
from sync.hub.hub_keys import HUB_SCOPES

JSON_MEDIA = "application/json"
MOST_NUMBER = 2**31 - 1
#: Of every key, whatever it may do.
ANY_KEY = HUB_SCOPES
_NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": MOST_NUMBER}
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 128}
PATH_PARAMETERS: dict[str, Json] = {
    "task": {"type": "string", "pattern": "^[a-z0-9]+(?:[-_][a-z0-9]+)*$", "maxLength": 63},
    "version": _NUMBER,
    "number": _NUMBER,
    "deployment": _NAME,
    "key": _NAME,
}
_IN_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")
WORDS = {
    206: "A part", 304: "Not changed", 400: "Not HTTP or JSON", 401: "A key of this hub is needed",
    403: "The key may not", 404: "Not found", 409: "Conflict", 413: "Too large",
    416: "Range not satisfiable", 422: "Invalid input", 429: "Too many requests",
    502: "The program failed", 503: "Not now", 504: "The program ran out of time",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One method of one path. Without scopes everybody may, with one of them a key must have."""

    method: str
    path: str
    summary: str
    handler: Any
    scopes: Sequence[str]
    answer: Json
    status: int = 200
    media: str = JSON_MEDIA
    body: Json | type[Model] | None = None
    body_media: str = JSON_MEDIA
    parameters: Sequence[Json] = ()
    errors: Sequence[int] = ()
    #: The handler is an ASGI application that looks at the key by itself.
    is_application: bool = False

    def route(self, guard: Guard) -> Route:
        """As Starlette has it."""
        guarded = bool(self.scopes) and not self.is_application
        endpoint = guard(self.handler, *self.scopes) if guarded else self.handler
        return Route(self.path, endpoint, methods=[self.method])

    @property
    def described_path(self) -> str:
        """As OpenAPI has it."""
        return _IN_PATH.sub(r"{\1}", self.path)

    def document(self) -> Json:
        """The operation object of OpenAPI."""
        errors = {*self.errors, 429}
        if self.scopes:
            errors |= {401, 403, 503}
        made: Json = {"summary": self.summary, "responses": {}}
        names = _IN_PATH.findall(self.path)
        if "task" in names:
            errors |= {404, 422} if self.method == "POST" else {404}
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]}
            for name in names
        ]
        made["parameters"] = [*parameters, *self.parameters]
        if self.scopes:
            made["description"] = f"Needs a key with the scope {' or '.join(self.scopes)}."
            made["security"] = [{"key": []}]
        else:
            made["security"] = []
        if self.body is not None:
            schema = self.body if isinstance(self.body, dict) else ref(self.body.__name__)
            content = {self.body_media: {"schema": schema}}
            made["requestBody"] = {"required": True, "content": content}
            errors |= {413, 422}
        made["responses"][str(self.status)] = {
            "description": "Done",
            "content": {self.media: {"schema": self.answer}},
        }
        for status in sorted(errors):
            response: Json = {"description": WORDS[status]}
            if status == 206:
                response["content"] = {self.media: {"schema": self.answer}}
            elif status != 304:
                response["content"] = {PROBLEM: {"schema": ref("Problem")}}
            made["responses"][str(status)] = response
        return made


def hub_document(operations: Sequence[Operation], version: str) -> Json:
    """OpenAPI 3.1 of these operations."""
    paths: dict[str, Json] = {}
    schemas: Json = {}
    for one in operations:
        if isinstance(one.body, type):
            schema = one.body.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**schema.pop("$defs", {}), one.body.__name__: schema}
        paths.setdefault(one.described_path, {})[one.method.lower()] = one.document()
    problem = object_of(
        {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": ANY_OBJECT},
        },
        optional=("errors",),
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Loopai hub",
            "version": version,
            "description": "Programs out to the boxes, what they choose to tell in. Every key is "
            "of one tenant and sees nothing of any other. Boxes are told of new versions over "
            "SignalR at `/hubs/loopai`.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": problem},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def query(name: str, schema: Json, description: str) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def header(name: str, description: str) -> Json:
    """A header that may be sent."""
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


def number_of(request: Request, name: str) -> int:
    """A number of the path. Raises NotFoundError for one that no row can have."""
    number = int(request.path_params[name])
    if number > MOST_NUMBER:
        raise NotFoundError(f"There is no {name} {number}.")
    return number
