"""`copy` for what programs hold: containers of JSON-like values, read-only ones included.

A copy of a read-only constant is an ordinary container that the program may change.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any


def copy(value: Any) -> Any:
    """A shallow copy of a container; any other value is its own copy."""
    if isinstance(value, (defaultdict, OrderedDict, deque)):
        return value.copy()
    for kind in (Counter, dict, list, set):
        if isinstance(value, kind):
            return kind(value)
    return value


def deepcopy(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """A copy of a container and of every container in it, shared ones shared again."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    duplicate = copy(value)
    if isinstance(value, tuple):
        items = [deepcopy(item, memo) for item in value]
        make = getattr(type(value), "_make", tuple)
        duplicate = (
            make(items) if any(a is not b for a, b in zip(items, value, strict=True)) else value
        )
    elif duplicate is value:
        return value
    memo[id(value)] = duplicate
    if isinstance(duplicate, dict):
        for key, item in duplicate.items():
            duplicate[key] = deepcopy(item, memo)
    elif isinstance(duplicate, (list, deque)):
        for at, item in enumerate(duplicate):
            duplicate[at] = deepcopy(item, memo)
    return duplicate
