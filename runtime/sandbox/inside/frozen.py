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
    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]


class FrozenDefaultDict(FrozenDict):
    """A defaultdict adds what is missing when it is read, so here reading it is refused."""

    __slots__ = ()
    __missing__ = _refuse


class FrozenCounter(Counter[Any]):
    __setitem__ = __delitem__ = __ior__ = __iadd__ = _refuse  # type: ignore[assignment]
    __isub__ = __iand__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = subtract = _refuse  # type: ignore[assignment]

    def __init__(self, counts: Counter[Any]) -> None:
        dict.__init__(self, counts)

    def copy(self) -> Counter[Any]:
        return Counter(dict(self))


class FrozenList(list[Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse  # type: ignore[assignment]
    append = clear = extend = insert = pop = remove = _refuse  # type: ignore[assignment]
    reverse = sort = _refuse  # type: ignore[assignment]


class FrozenSet(set[Any]):
    __slots__ = ()
    __iand__ = __ior__ = __isub__ = __ixor__ = _refuse  # type: ignore[assignment]
    add = clear = discard = pop = remove = update = _refuse  # type: ignore[assignment]
    difference_update = intersection_update = _refuse  # type: ignore[assignment]
    symmetric_difference_update = _refuse  # type: ignore[assignment]

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
