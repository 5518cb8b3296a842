"""The small pieces an OpenAPI document is made of, as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runtime.server.answers import KINDS

Json = dict[str, Any]

ERROR_MEDIA = "application/problem+json"
ALWAYS = ("unauthorized", "forbidden", "misdirected", "malformed-http", "request-timeout")
ANY_OBJECT: Json = {"type": "object"}


def responses_of(answer: Json, errors: Iterable[str], media: str = "application/json") -> Json:
    by_status: dict[int, list[str]] = {}
    for kind in (*errors, *ALWAYS):
        status, title = KINDS[kind]
        by_status.setdefault(status, []).append(title)
    return {
        "200": {"description": "Done", "content": {media: {"schema": answer}}},
        **{
            str(status): {
                "description": "; ".join(titles),
                "content": {ERROR_MEDIA: {"schema": ref("Problem")}},
            }
            for status, titles in sorted(by_status.items())
        },
    }


def object_of(properties: Json, optional: Iterable[str] = (), closed: bool = False) -> Json:
    required = [name for name in properties if name not in set(optional)]
    schema: Json = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
