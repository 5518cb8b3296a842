"""JSON by RFC 8259 and nothing more, with errors in words: what people wrote is read here.

The hot path of the server has its own decoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

MAX_DEPTH = 64
MAX_DIGITS = 308


def canonical(value: Any) -> str:
    """A JSON value as one text: equal values give equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse_strictly(text: str | bytes) -> Any:
    """JSON by RFC 8259 and nothing more: no NaN, no doubled keys, no lone surrogates,
    at most 64 levels deep. Raises ValueError with the reason in words."""
    try:
        content = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start + 1})") from None
    try:
        value = json.loads(
            content,
            parse_constant=_refuse_constant,
            parse_int=_whole_number,
            parse_float=_number,
            object_pairs_hook=_unique_keys,
        )
        msgspec.json.encode(value)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise ValueError(f"not JSON: {reason} at column {error.colno}") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    if depth(value) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


def depth(value: Any) -> int:
    """How many containers deep a JSON value goes; a scalar is 0."""
    return max(level + isinstance(item, dict | list) for item, level in _walk(value))


def holds_nul(value: Any) -> bool:
    """Whether a NUL character stands in any text or key of a JSON value."""
    for item, _ in _walk(value):
        texts = item if isinstance(item, dict) else [item]
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            return True
    return False


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    """Every value inside `value`, itself included, with the number of containers around it."""
    todo = [(value, 0)]
    while todo:
        item, level = todo.pop()
        yield item, level
        if isinstance(item, dict | list):
            children = item.values() if isinstance(item, dict) else item
            todo.extend((child, level + 1) for child in children)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; use null or leave the field out")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {double!r} stands twice in one object")
    return result


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number too large for a float")
    return value


def _whole_number(text: str) -> int:
    # More digits than any float has; Python refuses to read thousands of them.
    if len(text) > MAX_DIGITS:
        raise ValueError("a number too large for a float")
    return int(text)
