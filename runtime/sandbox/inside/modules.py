"""Frozen facades: what `import` gives a program, each with named functions and types only.

No real module is ever handed out, and nothing handed out can be changed by a program.
"""

from __future__ import annotations

import calendar
import collections
import collections.abc
import functools
import heapq
import html
import importlib
import numbers
import re
from collections.abc import Callable
from typing import Any

from runtime.sandbox.allowed import MODULES

from . import copying, standins


class Facade:
    """A read-only bag of a module's allowed members."""

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.__dict__.update(members)
        self.__dict__["_name"] = name

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("modules are read-only")

    def __delattr__(self, name: str) -> None:
        raise TypeError("modules are read-only")

    def __repr__(self) -> str:
        return f"<module {self.__dict__['_name']!r}>"


def _make_namedtuple(
    typename: str, field_names: Any, *, rename: bool = False, defaults: Any = None
) -> type:
    return collections.namedtuple(
        typename, field_names, rename=rename, defaults=defaults, module="program"
    )


def _keep(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """`functools.wraps` that leaves names alone: the real one sets attributes on anything."""
    return lambda wrapper: wrapper


def _on_list(function: Callable[..., Any]) -> Callable[..., Any]:
    """heapq writes past a read-only subclass of list, so it gets exact lists only."""

    def checked(heap: list[Any], *args: Any) -> Any:
        if type(heap) is not list:
            raise TypeError("the heap must be a list made inside run")
        return function(heap, *args)

    return checked


def _cast(kind: object, value: Any) -> Any:
    return value


def _new_type(name: str, kind: object) -> Callable[[Any], Any]:
    return lambda value: value


def _typed_namedtuple(typename: str, fields: list[tuple[str, object]]) -> type:
    return _make_namedtuple(typename, [name for name, _ in fields])


_REPLACED: dict[str, dict[str, Any]] = {
    # plain integers: a RegexFlag would lead to its enum class
    "re": {
        name: int(getattr(re, name))
        for name in MODULES["re"]
        if isinstance(getattr(re, name), re.RegexFlag)
    },
    "collections": {
        "Counter": standins.COUNTER,
        "OrderedDict": standins.ORDERED_DICT,
        "defaultdict": standins.DEFAULT_DICT,
        "deque": standins.DEQUE,
        "namedtuple": _make_namedtuple,
    },
    "collections.abc": {
        name: standins.abstract(getattr(collections.abc, name))
        for name in MODULES["collections.abc"]
    },
    "numbers": {name: standins.abstract(getattr(numbers, name)) for name in MODULES["numbers"]},
    "functools": {"wraps": _keep, "lru_cache": functools.lru_cache, "cache": functools.cache},
    "calendar": {
        name: tuple(getattr(calendar, name))
        for name in ("day_abbr", "day_name", "month_abbr", "month_name")
    },
    "copy": {"copy": copying.copy, "deepcopy": copying.deepcopy},
    "heapq": {
        name: _on_list(getattr(heapq, name))
        for name in ("heappush", "heappop", "heapify", "heapreplace", "heappushpop")
    },
    "html": {"escape": html.escape, "unescape": html.unescape},
    "typing": {
        **dict.fromkeys(MODULES["typing"], standins.INERT),
        "TYPE_CHECKING": False,
        "cast": _cast,
        "NewType": _new_type,
        "NamedTuple": _typed_namedtuple,
    },
}


def _build() -> dict[str, Facade]:
    facades: dict[str, Facade] = {}
    for name in sorted(MODULES, reverse=True):  # collections.abc before collections
        replaced = _REPLACED.get(name, {})
        members = {}
        for member in MODULES[name]:
            if member in replaced:
                members[member] = replaced[member]
            elif f"{name}.{member}" in facades:
                members[member] = facades[f"{name}.{member}"]
            else:
                members[member] = getattr(importlib.import_module(name), member)
        facades[name] = Facade(name, members)
    return facades


FACADES = _build()


def import_module(name: str) -> Facade:
    """What the gate compiles an import to."""
    return FACADES[name]
