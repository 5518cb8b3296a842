"""Turns pieces of code into functions, so that the search tries the very code that is written.

Evaluates only code that this package made; what comes from examples is in it as literals.
"""

from __future__ import annotations

import datetime
import math
import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from workbench.synthesis.by_example.code import OPERANDS, replace_constants, replace_helpers
from workbench.synthesis.by_example.snippets import HELPERS

FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_MODULES = {
    "datetime": datetime,
    "math": math,
    "re": re,
    "string": string,
    "unicodedata": unicodedata,
}


@lru_cache(maxsize=50_000)
def compiled(code: str) -> Callable[..., Any]:
    """The code as a function of its operands; what it raises is the caller's to catch."""
    namespace: dict[str, Any] = dict(_MODULES)

    def bind_constant(name: str, source: str) -> str:
        local = f"{name}_{len(namespace)}"
        namespace[local] = _constant_value(source)
        return local

    def bind_helper(name: str) -> str:
        namespace[name] = _helper_function(name)
        return name

    text = replace_helpers(replace_constants(code, bind_constant), bind_helper)
    names = [f"x{number}" for number, operand in enumerate(OPERANDS) if operand in text]
    for operand, name in zip(OPERANDS, names, strict=False):
        text = text.replace(operand, name)
    return eval(f"lambda {', '.join(names) or '*_'}: ({text})", namespace)  # type: ignore[no-any-return]  # noqa: S307


@lru_cache(maxsize=20_000)
def _constant_value(source: str) -> Any:
    return eval(source, dict(_MODULES))  # noqa: S307


@lru_cache(maxsize=100)
def _helper_function(name: str) -> Any:
    namespace: dict[str, Any] = dict(_MODULES)

    def bind(inner: str, source: str) -> str:
        namespace[inner] = _constant_value(source)
        return inner

    def bind_helper(inner: str) -> str:
        namespace[inner] = _helper_function(inner)
        return inner

    exec(replace_helpers(replace_constants(HELPERS[name], bind), bind_helper), namespace)  # noqa: S102
    return namespace[name]
