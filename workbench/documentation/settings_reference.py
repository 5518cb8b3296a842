"""Describes pydantic models as tables, what each field is for taken from the comments beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sphinx.pycode import ModuleAnalyzer


def setting_rows(
    model: type[BaseModel], before: str = "", above: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    """(name, type, default, what it is for) of each field, those of inner models dotted.

    What an inner model's field is for is said beside it, or for all of them where the model is
    described or used (`above`).
    """
    for name, field in model.model_fields.items():
        own = comment_of(model, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            words = own or _described(field.annotation)
            yield from setting_rows(field.annotation, f"{before}{name}.", words)
            continue
        schema = model.model_json_schema()["properties"][name]
        definitions = model.model_json_schema().get("$defs", {})
        yield (
            f"{before}{name}",
            _kind(schema, definitions),
            _default(field),
            own or above,
        )


def comment_of(model: type[BaseModel], name: str) -> str:
    """What stands beside a field in `#:` comments, its own or an ancestor's; "" for nothing."""
    for owner in model.__mro__:
        found = _comments(owner.__module__).get((owner.__qualname__, name))
        if found:
            return " ".join(line.strip() for line in found if line.strip())
    return ""


def table(model: type[BaseModel]) -> str:
    """The fields as a Markdown table."""
    lines = ["| setting | kind | default | what it is |", "|---|---|---|---|"]
    for name, kind, default, words in setting_rows(model):
        cells = (f"`{name}`", kind, f"`{default}`" if default else "", words)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


@cache
def _comments(module: str) -> dict[tuple[str, str], list[str]]:
    if not module.startswith(("runtime", "sync", "workbench")):
        return {}
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return dict(analyzer.attr_docs)


def _described(model: type[BaseModel]) -> str:
    words = vars(model).get("__doc__") or ""
    return " ".join(words.partition("\n\n")[0].split())


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        # Made anew each time: an identifier or a time of now would say nothing here.
        made = field.default_factory() if field.default_factory is not None else None
        return json.dumps(made) if isinstance(made, dict | list | tuple) else ""
    if isinstance(field.default, BaseModel):
        return ""
    value = getattr(field.default, "get_secret_value", lambda: field.default)()
    return json.dumps(value, default=str)


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _kind(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return " or ".join(_kind(option, definitions) for option in schema["anyOf"])
    if "allOf" in schema:
        return _kind(schema["allOf"][0], definitions)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), definitions)}"
    if schema.get("type") == "object":
        return "mapping"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    words = [str(schema.get("type", "any"))]
    if low is not None or above is not None:
        words.append(f"at least {low}" if low is not None else f"above {above}")
    if high is not None or below is not None:
        words.append(f"at most {high}" if high is not None else f"below {below}")
    return ", ".join(words)
