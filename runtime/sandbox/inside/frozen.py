"""Read-only dict, list, set and Counter: real ones to every reader, an error to every writer.

They stand for a program's module-level containers, so that nothing survives from one
execution to the next while `isinstance`, `==`, `+` and JSON encoding work as written.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

MESSAGE = (
    "module-level values are read-only while run executes (nothing survives from one "
    "execution to the next); copy it first, as in dict(X), list(X) or set(X)"
)


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(MESSAGE)


class FrozenDict(dict[Any, Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class FrozenDefaultDict(FrozenDict):
    """A defaultdict adds what is missing when it is read, so here reading it is refused."""

    __slots__ = ()
    __missing__ = _refuse


class FrozenCounter(Counter[Any]):
    __setitem__ = __delitem__ = __ior__ = __iadd__ = _refuse
    __isub__ = __iand__ = _refuse
    clear = pop = popitem = setdefault = update = subtract = _refuse

    def __init__(self, counts: Counter[Any]) -> None:
        dict.__init__(self, counts)

    def copy(self) -> Counter[Any]:  # type: ignore[override]
        return Counter(dict(self))


class FrozenList(list[Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = _refuse
    reverse = sort = _refuse


class FrozenSet(set[Any]):
    __slots__ = ()
    __iand__ = __ior__ = __isub__ = __ixor__ = _refuse
    add = clear = discard = pop = remove = update = _refuse
    difference_update = intersection_update = _refuse
    symmetric_difference_update = _refuse

    # set's own methods would give the results this read-only class too

    def copy(self) -> set[Any]:
        return set(self)

    def union(self, *others: Any) -> set[Any]:
        return set(self).union(*others)

    def difference(self, *others: Any) -> set[Any]:
        return set(self).difference(*others)

    def __or__(self, other: Any) -> Any:
        return set(self) | other

    def __sub__(self, other: Any) -> Any:
        return set(self) - other

    def __and__(self, other: Any) -> Any:
        return set(self) & other

    def __xor__(self, other: Any) -> Any:
        return set(self) ^ other
