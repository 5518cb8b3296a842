"""What a program gets in place of a type that would let it change a constant.

The unbound methods of a mutable container (`dict.update(CONSTANT, ...)`) go past every
read-only subclass, so a program never holds `dict`, `list`, `set` and their like themselves:
it holds a stand-in that calls, compares and type-checks like them and lends only readers.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from .frozen import FrozenCounter, FrozenDefaultDict, FrozenDict, FrozenList, FrozenSet


class StandIn:
    """Calls and `isinstance` go to `_real`; nothing else of it is reachable."""

    __slots__ = ("_make", "_real", "copy", "count", "difference", "fromkeys", "get", "index",
                 "intersection", "isdisjoint", "issubset", "issuperset", "items", "keys",
                 "symmetric_difference", "union", "values")  # fmt: skip

    _real: type
    _make: Callable[..., Any]

    def __init__(
        self, real: type, make: Callable[..., Any] | None = None, readers: str = ""
    ) -> None:
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_make", make or real)
        for name in readers.split():
            reader = getattr(real, name) if name == "fromkeys" else _call_reader(name)
            object.__setattr__(self, name, reader)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(*args, **kwargs)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self._real)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind._real if isinstance(kind, StandIn) else kind, self._real)

    def __getitem__(self, parameters: object) -> StandIn:
        return self

    def __or__(self, other: object) -> UnionOfTypes:
        return UnionOfTypes(self, other)

    __ror__ = __or__

    def __repr__(self) -> str:
        return repr(self._real)

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("types are read-only")


class UnionOfTypes:
    """`dict | None` where one of the types is a stand-in: for isinstance and hints."""

    __slots__ = ("_members",)
    _members: tuple[object, ...]

    def __init__(self, *members: object) -> None:
        object.__setattr__(self, "_members", members)

    def __instancecheck__(self, value: object) -> bool:
        kinds = (type(None) if member is None else member for member in self._members)
        return any(isinstance(value, kind) for kind in kinds)  # type: ignore[arg-type]

    def __or__(self, other: object) -> UnionOfTypes:
        return UnionOfTypes(*self._members, other)

    __ror__ = __or__

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("types are read-only")


def _call_reader(name: str) -> Callable[..., Any]:
    return lambda container, *args: getattr(container, name)(*args)


class Inert:
    """What `typing` offers: something to write hints with, and nothing else."""

    __slots__ = ()

    def __getitem__(self, parameters: object) -> Inert:
        return self

    def __or__(self, other: object) -> Inert:
        return self

    __ror__ = __or__

    def __call__(self, *args: object, **kwargs: object) -> Inert:
        return self


INERT = Inert()


def _never(*args: object, **kwargs: object) -> None:
    raise TypeError("an abstract type cannot be called")


def abstract(real: type) -> StandIn:
    """A stand-in for an abstract base class, which would let itself be registered with."""
    return StandIn(real, _never)


def _make_default_dict(factory: Any = None, *args: Any, **kwargs: Any) -> Any:
    made = factory._make if isinstance(factory, StandIn) else factory
    return collections.defaultdict(made, *args, **kwargs)


DICT = StandIn(dict, readers="get items keys values copy fromkeys")
LIST = StandIn(list, readers="index count copy")
SET = StandIn(
    set, readers="union intersection difference symmetric_difference isdisjoint "
    "issubset issuperset copy",
)  # fmt: skip
COUNTER = StandIn(collections.Counter)
ORDERED_DICT = StandIn(collections.OrderedDict, readers="fromkeys")
DEFAULT_DICT = StandIn(collections.defaultdict, _make_default_dict)
DEQUE = StandIn(collections.deque)

STAND_INS: dict[type, StandIn] = {
    dict: DICT,
    FrozenDict: DICT,
    FrozenDefaultDict: DEFAULT_DICT,
    list: LIST,
    FrozenList: LIST,
    set: SET,
    FrozenSet: SET,
    collections.Counter: COUNTER,
    FrozenCounter: COUNTER,
    collections.OrderedDict: ORDERED_DICT,
    collections.defaultdict: DEFAULT_DICT,
    collections.deque: DEQUE,
}
