"""When an answer counts as right. Pure: no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Rounding in the last digits is no mistake; a real tolerance is the task's to state.
RELATIVE = 1e-6
ABSOLUTE = 1e-9
TOLERANCE_KEYWORD = "x-tolerance"


def matches(expected: Any, got: Any, schema: Mapping[str, Any] | None = None) -> bool:
    """Whether `got` is the same JSON value as `expected`.

    Numbers may differ by rounding, or by `x-tolerance` (an absolute number) where the
    output schema of that value states it. `true` is not 1; 1 is 1.0.
    """
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        stated = schema.get(TOLERANCE_KEYWORD, 0)
        tolerance = max(float(stated), ABSOLUTE) if isinstance(stated, int | float) else ABSOLUTE
        return math.isclose(expected, got, rel_tol=RELATIVE, abs_tol=tolerance)
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        properties = schema.get("properties")
        inner = properties if isinstance(properties, Mapping) else {}
        return expected.keys() == got.keys() and all(
            matches(value, got[key], inner.get(key)) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(got, list):
        items = schema.get("items")
        return len(expected) == len(got) and all(
            matches(one, other, items) for one, other in zip(expected, got, strict=True)
        )
    return type(expected) is type(got) and bool(expected == got)
