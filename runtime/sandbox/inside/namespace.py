"""The globals a program starts with: its builtins and the gate's own hidden names."""

from __future__ import annotations

import builtins
import datetime
import decimal
import fractions
import re
import sys
import types
from typing import Any

from RestrictedPython.Guards import safer_getattr_raise

from runtime.sandbox.allowed import ATTRIBUTES, BUILTINS, FORMATTING_ATTRIBUTES

from . import standins
from .formatting import FORMATTERS
from .modules import Facade, import_module

_MISSING = object()
_ABSENT = object()


def get_attribute(value: Any, name: str, default: Any = _MISSING) -> Any:
    """`getattr` for names the gate cannot vouch for: an allowlist, checked at run time."""
    if type(name) is not str:
        raise TypeError("attribute name must be a string")
    try:
        if name in ATTRIBUTES:
            return safer_getattr_raise(value, name)  # type: ignore[no-untyped-call]
        if name in FORMATTING_ATTRIBUTES:
            if type(value) is str:
                return _bind(name, value)
            if value is str:
                return FORMATTERS[name]
        if not name.startswith("_") and _has_own(value, name):
            return getattr(value, name)
    except AttributeError:
        if default is _MISSING:
            raise
        return default
    if default is _MISSING:
        raise AttributeError(
            f"{type(value).__name__!r} object has no attribute {name!r} that programs may use"
        )
    return default


def _bind(name: str, template: str) -> Any:
    formatter = FORMATTERS[name]
    return lambda *args, **kwargs: formatter(template, *args, **kwargs)


def _has_own(value: Any, name: str) -> bool:
    """Whether `name` is a field of a named tuple, or a member of a facade."""
    if isinstance(value, tuple):
        return name in getattr(type(value), "_fields", ())
    if type(value) is type and issubclass(value, tuple):
        return name in getattr(value, "_fields", ())
    return type(value) is Facade and name in value.__dict__


def has_attribute(value: Any, name: str) -> bool:
    return get_attribute(value, name, _ABSENT) is not _ABSENT


def type_of(value: Any) -> Any:
    """One-argument `type`, of plain values only: the types of functions make new code."""
    kind = type(value)
    if kind in standins.STAND_INS:
        return standins.STAND_INS[kind]
    if kind in _PLAIN_TYPES or issubclass(kind, (tuple, BaseException)):
        return kind
    raise TypeError(f"type() of a {kind.__name__} is not available")


def type_name(value: Any) -> str:
    kind = type(value)
    return standins.STAND_INS[kind]._real.__name__ if kind in standins.STAND_INS else kind.__name__


def assure_imported(name: str, *_: object) -> None:
    """What the interpreter's own C code finds as `__import__`: it takes the module from
    `sys.modules` afterwards and ignores what is returned, so a program could get nothing by it.
    """
    if name not in sys.modules:
        raise ImportError(f"{name} is not available in programs", name=name)


def name_of(value: Any) -> str:
    """`__name__` of a function or type."""
    if isinstance(value, standins.StandIn):
        value = value._real
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return value.__name__
    raise AttributeError(f"{type_name(value)!r} object has no attribute '__name__'")


_PLAIN_TYPES = frozenset(
    {
        *(int, float, bool, complex, str, bytes, frozenset, range, slice, type(None)),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
        *(decimal.Decimal, fractions.Fraction, re.Pattern, re.Match),
    }
)

_REPLACED = {
    "getattr": get_attribute,
    "hasattr": has_attribute,
    "type": type_of,
    "dict": standins.DICT,
    "list": standins.LIST,
    "set": standins.SET,
}
_BUILTINS = {name: getattr(builtins, name) for name in BUILTINS} | _REPLACED
_HIDDEN = {
    "__import__": assure_imported,
    "_getattr_": get_attribute,
    "_import_": import_module,
    "_type_name_": type_name,
    "_name_of_": name_of,
    "_dict_": dict,
    "_list_": list,
    "_set_": set,
}


def new_globals() -> dict[str, Any]:
    """Fresh globals for one program; the builtins are its own copy."""
    return {"__builtins__": {**_BUILTINS, **_HIDDEN}, "__name__": "program"}
