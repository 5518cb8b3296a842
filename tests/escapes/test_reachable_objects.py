"""The gate lets attributes through unchecked, so everything they lead to must be harmless.

This walks every object a program can reach by the attributes it may use, from its builtins,
its modules and one of each kind of value, and looks for what would undo the gate.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import difflib
import fractions
import functools
import hashlib
import json
import re
import types
from collections.abc import Iterator
from typing import Any

import pytest
from RestrictedPython.transformer import INSPECT_ATTRIBUTES

from runtime.sandbox import allowed
from runtime.sandbox.inside import frozen, modules, namespace, standins


def generate() -> Iterator[int]:
    yield 1


def caught(deed: Any) -> BaseException:
    try:
        deed()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


POINT = collections.namedtuple("POINT", "x y")

SHARED = {
    **{f"builtin {name}": value for name, value in namespace.new_globals()["__builtins__"].items()},
    **{
        f"{module}.{name}": getattr(facade, name)
        for module, facade in modules.FACADES.items()
        for name in allowed.MODULES[module]
    },
    **modules.FACADES,
}

VALUES = {
    type(value).__name__ + f" {at}": value
    for at, value in enumerate(
        [
            *(None, True, 1, 1.5, 1j, "a", b"a", (1,), [1], {1}, frozenset({1}), {"a": 1}),
            *(range(3), slice(1), ..., NotImplemented, object()),
            *({1: 2}.items(), {1: 2}.keys(), {1: 2}.values(), iter([1]), iter({}), reversed([1])),
            *(map(str, [1]), filter(None, [1]), zip([1]), enumerate([1]), generate()),
            *(generate, lambda: 1, len, "a".join, str.join, [].append, types.MethodType(len, [])),
            *(functools.partial(len), functools.lru_cache(len), functools.cmp_to_key(len)),
            *(collections.Counter("a"), collections.OrderedDict(), collections.deque()),
            *(collections.defaultdict(int), POINT(1, 2), POINT, frozen.FrozenDict()),
            *(frozen.FrozenList(), frozen.FrozenSet(), standins.LIST, standins.INERT),
            *(re.compile("a"), re.match("a", "a"), re.finditer("a", "a")),
            *(datetime.datetime.now(), datetime.date.today(), datetime.time(), datetime.UTC),
            *(datetime.timedelta(), datetime.date.today().isocalendar()),
            *(datetime.date.today().timetuple(), decimal.Decimal(1), fractions.Fraction(1)),
            *(decimal.Decimal(1).as_tuple(), hashlib.md5(), hashlib.blake2b()),
            difflib.SequenceMatcher(None, "a", "b"),
            difflib.SequenceMatcher(None, "a", "a").find_longest_match(),
            *(tuple[int], int | str, functools.lru_cache(len).cache_info()),
            *(caught(lambda: 1 / 0), caught(lambda: {}["a"]), caught(lambda: json.loads("{"))),
            *(caught(lambda: b"\xff".decode()), caught(lambda: "\ud800".encode())),
            *(
                caught(lambda: len.nothing),
                NameError("a", name="b"),
                caught(lambda: re.compile("(")),
            ),  # type: ignore[attr-defined,name-defined]
            *(StopIteration(1), OSError(1, "a"), ImportError("a", name="b")),
        ]
    )
}

DANGEROUS_TYPES = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    memoryview,
)
DANGEROUS_OBJECTS = [
    *(builtins.open, builtins.eval, builtins.exec, builtins.compile, builtins.__import__),
    *(builtins.getattr, builtins.setattr, builtins.vars, builtins.globals, builtins.type),
    *(builtins.dict, builtins.list, builtins.set, builtins.bytearray, builtins.super),
    *(collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
    *(str.format, str.format_map, frozen.FrozenDict, frozen.FrozenList, types.FunctionType),
]
HIDDEN = {"_dict_", "_list_", "_set_"}  # the gate puts these only where they are called


def reach(starts: dict[str, Any]) -> dict[str, Any]:
    """All that the allowed attributes lead to from `starts`, by path; each object once."""
    stack = [(name, value) for name, value in starts.items() if name.split()[-1] not in HIDDEN]
    found: dict[str, Any] = {}
    seen = set()
    while stack:
        path, value = stack.pop()
        if id(value) in seen or path.count(".") > 8:
            continue
        seen.add(id(value))
        found[path] = value  # kept, so that no id is used again
        for attribute in allowed.ATTRIBUTES:
            try:
                stack.append((f"{path}.{attribute}", getattr(value, attribute)))
            except (AttributeError, ValueError):
                continue
    return found


def test_nothing_dangerous_can_be_reached() -> None:
    found = reach({**SHARED, **VALUES})
    assert len(found) > 1000
    for path, value in found.items():
        assert not isinstance(value, DANGEROUS_TYPES), path
        assert not any(value is dangerous for dangerous in DANGEROUS_OBJECTS), path


def test_nothing_that_programs_share_can_be_changed() -> None:
    changeable = (dict, list, set, bytearray, collections.deque)
    for path, value in reach(SHARED).items():
        assert not isinstance(value, changeable), path


def test_no_allowed_attribute_is_a_known_danger() -> None:
    forbidden = INSPECT_ATTRIBUTES | allowed.REFUSED_ATTRIBUTES | allowed.FORMATTING_ATTRIBUTES
    assert not allowed.ATTRIBUTES & forbidden
    assert not [name for name in allowed.ATTRIBUTES if name.startswith("_")]
    assert not allowed.ATTRIBUTES & {"register", "func", "keywords", "default_factory", "mapping"}


def test_no_builtin_of_the_program_starts_anything_new() -> None:
    offered = set(namespace.new_globals()["__builtins__"].values()) - {dict, list, set}
    assert not offered & {value for value in DANGEROUS_OBJECTS if value.__hash__}


def test_what_c_code_calls_to_import_hands_out_nothing() -> None:
    assure = namespace.new_globals()["__builtins__"]["__import__"]
    assert assure("re", {}, {}, ["sub"], 0) is None
    with pytest.raises(ImportError):
        assure("antigravity")
