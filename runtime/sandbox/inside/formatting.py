"""`str.format` without its way into objects: fields may name values, never attributes."""

from __future__ import annotations

import _string  # type: ignore[import-not-found]  # the parser that str.format uses
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class _FieldFormatter(string.Formatter):
    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, int | str]:
        first, rest = _string.formatter_field_name_split(field_name)
        keys = []
        for is_attribute, key in rest:
            if is_attribute:
                raise ValueError(
                    f"format fields must not reach for attributes ({{{field_name}}}); "
                    "pass the value itself"
                )
            keys.append(key)
        value = self.get_value(first, args, kwargs)
        for key in keys:
            value = value[key]
        return value, first


_formatter = _FieldFormatter()


def format_string(template: str, /, *args: Any, **kwargs: Any) -> str:
    """`template.format(*args, **kwargs)`, but for fields such as `{0.name}`: ValueError."""
    return _formatter.vformat(_text(template), args, kwargs)


def format_mapping(template: str, mapping: Mapping[str, Any], /) -> str:
    """`template.format_map(mapping)`, likewise."""
    return _formatter.vformat(_text(template), (), mapping)


def _text(template: object) -> str:
    if type(template) is not str:
        raise TypeError(f"a format template must be str, not {type(template).__name__}")
    return template


FORMATTERS: dict[str, Callable[..., str]] = {
    "format": format_string,
    "format_map": format_mapping,
}
