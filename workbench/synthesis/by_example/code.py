"""Short pieces of Python that carry their own constants and helpers, as text with placeholders.

Operands, constants and helper functions stand in the text as control characters, which no
literal written with `quote` can hold. Nothing is evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Operands stand as private-use characters, which `repr` always escapes in literals.
OPERANDS = tuple(chr(0xE000 + number) for number in range(12))
X, Y = OPERANDS[:2]
_CONSTANT = re.compile("\2([A-Z_0-9]+)\3(.*?)\2", re.DOTALL)
_HELPER = re.compile("\4([a-z_0-9]+)\4")


def constant(name: str, source: str) -> str:
    """A module-level constant, used by name; `source` is the Python of its value."""
    return f"\2{name}\3{source}\2"


def regex(name: str, pattern: str) -> str:
    """A compiled regular expression as a module-level constant."""
    return constant(name, f"re.compile({quote_pattern(pattern)})")


def helper(name: str) -> str:
    """A call's function part: one of the functions in `snippets`."""
    return f"\4{name}\4"


def quote(text: str) -> str:
    """The text as a Python literal in double quotes where that reads as well."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in literal:
        return '"' + literal[1:-1].replace("\\'", "'") + '"'
    return literal


def quote_pattern(pattern: str) -> str:
    """A regular expression as a raw literal where it can be one."""
    if pattern.isprintable() and not pattern.endswith("\\"):
        if '"' not in pattern:
            return f'r"{pattern}"'
        if "'" not in pattern:
            return f"r'{pattern}'"
    return quote(pattern)


def escape(text: str) -> str:
    """The text as a regular expression, escaped no more than it must be."""
    return re.sub(r"[\\.^$*+?{}\[\]|()]", r"\\\g<0>", text)


def replace_constants(code: str, name_of: Callable[[str, str], str]) -> str:
    """The code with each constant replaced by what `name_of(name, source)` calls it."""
    return _CONSTANT.sub(lambda found: name_of(found[1], found[2]), code)


def replace_helpers(code: str, name_of: Callable[[str], str]) -> str:
    return _HELPER.sub(lambda found: name_of(found[1]), code)
