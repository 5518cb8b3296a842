"""Turns what `run` returned into one answer: JSON or a reason why it is not."""

from __future__ import annotations

from math import isfinite
from types import TracebackType
from typing import Any

from runtime.sandbox.protocol import Failure, encode

MAX_DEPTH = 200
MAX_MESSAGE = 1000
PROGRAM_FILE = "program.py"

_REMEDIES = {
    "set": "return sorted(...) or list(...)",
    "frozenset": "return sorted(...) or list(...)",
    "bytes": "decode it, or return .hex()",
    "Decimal": "return str(...) or float(...)",
    "Fraction": "return str(...) or float(...)",
    "date": "return .isoformat()",
    "datetime": "return .isoformat()",
    "generator": "return list(...)",
    "map": "return list(...)",
    "dict_items": "return list(...)",
    "dict_keys": "return list(...)",
    "dict_values": "return list(...)",
}


class OutputError(Exception):
    """The value that `run` returned is not JSON."""


def split_confidence(returned: Any) -> tuple[Any, float | None]:
    """`(output, confidence)` is a tuple of two whose second is a float in [0, 1]."""
    if type(returned) is tuple and len(returned) == 2:
        confidence = returned[1]
        if type(confidence) is float and 0.0 <= confidence <= 1.0:
            return returned
    return returned, None


def encode_output(value: Any, max_bytes: int) -> bytes:
    """`value` as JSON; raises OutputError when it is not a JSON value or too large."""
    kind = type(value)
    if kind is not str and kind is not bool and kind is not int and value is not None:
        _Check(max_bytes).check(value, 0)
    try:
        encoded = encode(value)
    except UnicodeEncodeError:
        raise OutputError("the output holds a lone surrogate, which is not text") from None
    if len(encoded) > max_bytes:
        raise _too_large(max_bytes)
    return encoded


class _Check:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes  # every value takes a byte or more

    def check(self, value: Any, depth: int) -> None:
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            return
        if kind is float:
            if not isfinite(value):
                raise OutputError(f"the output holds {value}, which JSON cannot say; return None")
            return
        if depth >= MAX_DEPTH:
            raise OutputError(f"the output is nested over {MAX_DEPTH} deep, or holds itself")
        if isinstance(value, dict):
            self._spend(len(value))
            for key, item in value.items():
                if type(key) is not str:
                    raise OutputError(f"the output has a key that is not a string: {key!r:.100}")
                self.check(item, depth + 1)
        elif isinstance(value, (list, tuple)):
            self._spend(len(value))
            for item in value:
                self.check(item, depth + 1)
        else:
            remedy = _REMEDIES.get(kind.__name__, "return text, numbers, lists or dicts")
            raise OutputError(f"a {kind.__name__} in the output is not JSON; {remedy}")

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _too_large(self._max_bytes)


def _too_large(max_bytes: int) -> OutputError:
    return OutputError(f"the output is larger than {max_bytes:,} bytes")


def describe(error: BaseException) -> Failure:
    """What a program raised, bounded, with the innermost line of the program itself."""
    try:
        message = str(error)
    except BaseException:  # an exception's own text may not be printable
        message = ""
    if isinstance(error, MemoryError) and not message:
        message = "the program needed more memory than its limit"
    if len(message) > MAX_MESSAGE:
        message = message[:MAX_MESSAGE] + "…"
    text = message.encode("utf-8", "backslashreplace").decode()
    return Failure(type(error).__name__, text, _line(error.__traceback__))


def _line(traceback: TracebackType | None) -> int | None:
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == PROGRAM_FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
