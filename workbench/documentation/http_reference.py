"""Describes an OpenAPI document as Markdown: each route with what it takes and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")


def routes_page(title: str, words: str, document: dict[str, Any]) -> str:
    """A page of all routes of a document."""
    parts = [f"# {title}", words]
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                parts.append("\n".join(_route(path, method, item, document)))
    return "\n\n".join(parts) + "\n"


def _route(path: str, method: str, item: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    operation = item[method]
    yield f"## `{method.upper()} {path}`"
    yield ""
    for text in (operation.get("summary"), operation.get("description")):
        if text:
            yield f"{text.rstrip('.')}."
            yield ""
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    if parameters:
        yield "| parameter | in | what it is |"
        yield "|---|---|---|"
        for parameter in (_resolved(each, document) for each in parameters):
            words = parameter.get("description", "")
            yield f"| `{parameter['name']}` | {parameter['in']} | {words} |"
        yield ""
    kinds = operation.get("requestBody", {}).get("content", {})
    if kinds:
        yield f"Takes {', '.join(f'`{kind}`' for kind in kinds)}."
        yield ""
    yield "| answer | what it means |"
    yield "|---|---|"
    for status, answer in operation.get("responses", {}).items():
        words = _resolved(answer, document).get("description", "")
        yield f"| {status} | {words.replace('|', chr(92) + '|')} |"


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].lstrip("#/").split("/"):
            found = found[step]
        value = found
    return value
