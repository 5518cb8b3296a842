"""`str.format` without its way into objects: fields may name values, never attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from runtime.sandbox.templates import find_attribute_field

LONGEST_REMEMBERED = 1000  # characters; longer templates are read every time


def format_string(template: str, /, *args: Any, **kwargs: Any) -> str:
    """`template.format(*args, **kwargs)`; ValueError for fields such as `{0.name}`."""
    _check(template)
    return template.format(*args, **kwargs)


def format_mapping(template: str, mapping: Mapping[str, Any], /) -> str:
    """`template.format_map(mapping)`, likewise."""
    _check(template)
    return template.format_map(mapping)


FORMATTERS: dict[str, Callable[..., str]] = {
    "format": format_string,
    "format_map": format_mapping,
}

_remembered_field = lru_cache(maxsize=256)(find_attribute_field)


def _check(template: str) -> None:
    if type(template) is not str:
        raise TypeError(f"a format template must be str, not {type(template).__name__}")
    find = _remembered_field if len(template) <= LONGEST_REMEMBERED else find_attribute_field
    field = find(template)
    if field is not None:
        raise ValueError(
            f"format fields must not reach for attributes ({{{field}}}); pass the value itself"
        )
