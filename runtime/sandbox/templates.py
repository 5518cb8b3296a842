"""Reads `str.format` templates the way the interpreter does, and never formats anything."""

from __future__ import annotations

import _string  # type: ignore[import-not-found]  # the parser that str.format itself uses


def find_attribute_field(template: str) -> str | None:
    """The first field that reaches for an attribute, such as `0.name`; None when none does.

    Fields inside format specifications count too. Raises ValueError when it is no template.
    """
    for _, field, specification, _ in _string.formatter_parser(template):
        if field is None:
            continue
        _, steps = _string.formatter_field_name_split(field)
        if any(is_attribute for is_attribute, _ in steps):
            return str(field)
        if specification and (inner := find_attribute_field(specification)) is not None:
            return inner
    return None
