"""Makes a loaded program's module level read-only, all the way down, or says what cannot be.

Runs once per load, after the module level has executed and before the first execution.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import re
import types
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from .frozen import FrozenCounter, FrozenDefaultDict, FrozenDict, FrozenList, FrozenSet
from .modules import Facade
from .standins import Inert, StandIn, UnionOfTypes


class CannotFreezeError(Exception):
    """A module-level value keeps state; `name` is the global that leads to it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


_VALUES = (int, float, complex, str, bytes, bool, type(None), type(...), type(NotImplemented),
           range, object, re.Pattern, datetime.date, datetime.time, datetime.datetime,
           datetime.timedelta, datetime.timezone, decimal.Decimal, fractions.Fraction,
           Facade, StandIn, Inert, UnionOfTypes, types.GenericAlias, types.UnionType,
           types.MethodDescriptorType, types.WrapperDescriptorType,
           FrozenDict, FrozenList, FrozenSet, FrozenCounter, FrozenDefaultDict)  # fmt: skip
_LEAVES = frozenset(_VALUES)
_CONTAINERS = frozenset({dict, list, set})
_LruCache = type(functools.lru_cache(len))


class Freezer:
    """Freezes one program's globals; `caches` are the lru_caches to empty after each run.

    Containers are replaced by read-only copies. Those under a name in `contained` (which
    functions only read) stay as they are when they hold plain values alone: nothing could
    change them, and the exact type is the fastest.
    """

    def __init__(
        self, namespace: dict[str, Any], contained: Iterable[str], nonlocals: Iterable[str]
    ) -> None:
        self.caches: list[Callable[[], None]] = []
        self._namespace = namespace
        self._contained = frozenset(contained)
        self._nonlocals = frozenset(nonlocals)
        self._done: dict[int, tuple[Any, Any]] = {}  # id -> (original kept alive, frozen)
        self._name = ""

    def freeze_all(self) -> None:
        """Replace every global; raises CannotFreezeError."""
        for name, value in list(self._namespace.items()):
            if name == "__builtins__":
                continue
            self._name = name
            if name in self._contained and type(value) in _CONTAINERS and _is_flat(value):
                continue
            self._namespace[name] = self._freeze(value)

    def _freeze(self, value: Any) -> Any:
        kind = type(value)
        if kind in _LEAVES:
            return value
        known = self._done.get(id(value))
        if known is not None:
            return known[1]
        if kind is types.FunctionType:
            return self._freeze_function(value)
        try:
            frozen = self._freeze_container(kind, value)
        except RecursionError:
            raise self._refusal("is nested too deeply or holds itself") from None
        self._done[id(value)] = (value, frozen)
        return frozen

    def _freeze_container(self, kind: type, value: Any) -> Any:
        if kind is dict or kind is OrderedDict:
            return FrozenDict(self._pairs(value))
        if kind is list:
            return FrozenList(map(self._freeze, value))
        if kind is set:
            return FrozenSet(map(self._freeze, value))
        if kind is tuple:
            return tuple(map(self._freeze, value))
        if kind is frozenset:
            return frozenset(map(self._freeze, value))
        if kind is slice:
            return slice(*map(self._freeze, (value.start, value.stop, value.step)))
        if kind is Counter:
            return FrozenCounter(Counter(dict(self._pairs(value))))
        if kind is defaultdict:
            return FrozenDefaultDict(self._pairs(value))
        if issubclass(kind, tuple):  # a named tuple; struct-like ones hold plain values
            return kind._make(map(self._freeze, value)) if hasattr(kind, "_make") else value
        if issubclass(kind, type):
            return value
        return self._freeze_callable(kind, value)

    def _pairs(self, value: dict[Any, Any]) -> list[tuple[Any, Any]]:
        return [(self._freeze(key), self._freeze(item)) for key, item in value.items()]

    def _freeze_callable(self, kind: type, value: Any) -> Any:
        if kind is types.BuiltinFunctionType or kind is types.MethodType:
            owner = getattr(value, "__self__", None)
            if owner is None or isinstance(owner, (types.ModuleType, type)):
                return value
            frozen = self._freeze(owner)
            return value if frozen is owner else getattr(frozen, value.__name__)
        if kind is functools.partial:
            return functools.partial(
                self._freeze(value.func),
                *map(self._freeze, value.args),
                **{name: self._freeze(item) for name, item in value.keywords.items()},
            )
        if kind is _LruCache:
            if self._freeze(value.__wrapped__) is not value.__wrapped__:
                raise self._refusal("caches a method that changes a value; cache a function")
            value.cache_clear()
            self.caches.append(value.cache_clear)
            return value
        if kind.__module__ == "operator" or kind.__module__ == "_operator":
            return value  # itemgetter
        raise self._refusal(
            f"is a {kind.__name__}, which keeps state from one execution to the next; "
            "make it inside run, or keep a list, dict, set or tuple"
        )

    def _freeze_function(self, function: types.FunctionType) -> types.FunctionType:
        self._done[id(function)] = (function, function)  # first: functions may refer to themselves
        if function.__globals__ is not self._namespace:
            return function
        if function.__defaults__:
            function.__defaults__ = tuple(map(self._freeze, function.__defaults__))
        if function.__kwdefaults__:
            function.__kwdefaults__ = {
                name: self._freeze(value) for name, value in function.__kwdefaults__.items()
            }
        free = function.__code__.co_freevars
        if self._nonlocals.intersection(free):
            raise self._refusal(
                "keeps state in a nonlocal variable from one execution to the next; "
                "make the closure inside run"
            )
        for cell in function.__closure__ or ():
            try:
                cell.cell_contents = self._freeze(cell.cell_contents)
            except ValueError:  # never bound
                continue
        return function

    def _refusal(self, reason: str) -> CannotFreezeError:
        return CannotFreezeError(self._name, f"the module-level value {self._name} {reason}")


def _is_flat(container: Any) -> bool:
    values = container.values() if isinstance(container, dict) else container
    return set(map(type, values)) <= _LEAVES or all(map(_is_plain, values))


def _is_plain(value: Any) -> bool:
    if type(value) is tuple or type(value) is frozenset:
        return all(map(_is_plain, value))
    return type(value) in _LEAVES
