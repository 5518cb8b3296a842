"""Values in a rule document that must be values that JSON has."""

from __future__ import annotations

import math
from typing import Any

from runtime.yaml_document import Place, YamlDocument


def json_value(document: YamlDocument, value: Any, place: Place) -> Any:
    """`value` if JSON has it. Raises InvalidInputError for dates, NaN and the like."""
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                document.fail("holds half a character (a lone surrogate).", place, "Remove it.")
            return value
        case list():
            return [json_value(document, item, (*place, n)) for n, item in enumerate(value)]
        case dict():
            for key in value:
                if not isinstance(key, str):
                    here = (*place, str(key))
                    document.fail(f"the key {key!r} is not text.", here, "Put it in quotes.")
            return {key: json_value(document, item, (*place, key)) for key, item in value.items()}
        case _:
            kind = "is a number that JSON has not" if isinstance(value, float) else "is no text"
            return document.fail(f"{kind}: {value}.", place, "Put it in quotes to mean the text.")
