"""Puts a program's source together: literals, tables, and functions copied from `program_code`."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from workbench.synthesis.ml import program_code
from workbench.synthesis.ml.compiled import Compiled

MODULES = ("collections", "itertools", "json", "math", "re", "unicodedata")
FUNCTIONS = tuple(
    name
    for name, value in vars(program_code).items()
    if inspect.isfunction(value) and value.__module__ == program_code.__name__
)


def source_of(names: Iterable[str], prefix: str) -> str:
    """The source of these functions and of all they call, each named `prefix_…`."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting.extend(other for other in FUNCTIONS if _mentions(_source(name), other))
    blocks = [_source(name) for name in FUNCTIONS if name in wanted]
    if "find_words" in wanted:
        blocks.insert(0, f'WORD_PATTERN = re.compile(r"{program_code.WORD_PATTERN.pattern}")')
    source = "\n\n\n".join(blocks)
    for name in sorted(wanted):
        source = re.sub(rf"\b{name}\b", f"{prefix}_{name}", source)
    return source.replace("WORD_PATTERN", f"{prefix.upper()}_WORD_PATTERN")


def imports_of(source: str) -> tuple[str, ...]:
    """The import lines that a generated source needs."""
    return tuple(f"import {name}" for name in MODULES if re.search(rf"\b{name}\.", source))


def write_table(lines: Iterable[str]) -> str:
    """A triple-quoted string of these lines, to be read by one of the `read_…` functions."""
    text = "\n".join(lines)
    return '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + '\n"""'


def write_tuple(values: Sequence[object], indent: int = 0, digits: int = 6) -> str:
    """A tuple, on one line where it fits and one value a line where not."""
    parts = [number(value, digits) if isinstance(value, float) else repr(value) for value in values]
    line = "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
    if indent + len(line) <= 96:
        return line
    inner = " " * (indent + 4)
    rows, row = [], inner
    for part in parts:
        if len(row) + len(part) > 95 and row != inner:
            rows.append(row.rstrip())
            row = inner
        row += part + ", "
    rows.append(row.rstrip())
    return "(\n" + "\n".join(rows) + "\n" + " " * indent + ")"


def number(value: float, digits: int = 6) -> str:
    """A number in as few characters as `digits` significant ones allow."""
    text = f"{value:.{digits}g}"
    mantissa, mark, exponent = text.partition("e")
    if mark and -7 < int(exponent) < 0:
        return f"{value:.{digits - 1 - int(exponent)}f}".rstrip("0")
    return "0" if text in ("-0", "0") else f"{mantissa}{mark}{exponent}"


def write_labels(constant: str, labels: Sequence[Any], index: str) -> tuple[str, str]:
    """A constant that holds the labels, and the expression for the one at `index`."""
    if any(isinstance(label, (dict, list)) for label in labels):
        # Written as text and read anew, so that no answer shares a value with another.
        texts = [json.dumps(label, ensure_ascii=True) for label in labels]
        return f"{constant} = {write_tuple(texts)}", f"json.loads({constant}[{index}])"
    return f"{constant} = {write_tuple(labels)}", f"{constant}[{index}]"


def assemble(
    constants: str, main: str, compiled: Sequence[Compiled], uses: Iterable[str], function: str
) -> str:
    """A fragment's source: constants, then functions from the top down, then the long tables."""
    every = set(uses).union(*(model.uses for model in compiled))
    own = [line for model in compiled for line in model.constants]
    blocks = ["\n".join(line for line in (constants, *own) if line), main]
    blocks.extend(text for model in compiled for text in model.functions)
    blocks.append(source_of(every, function))
    blocks.extend(table for model in compiled for table in model.tables)
    return "\n\n\n".join(blocks) + "\n"


@functools.cache
def _source(name: str) -> str:
    """The source of a function, without its annotations, which a program has no use for."""
    source = inspect.getsource(getattr(program_code, name)).rstrip()
    head, body = source.split(":\n", 1)
    while head.count("(") > head.count(")"):
        more, body = body.split(":\n", 1)
        head += ":\n" + more
    arguments = ", ".join(inspect.signature(getattr(program_code, name)).parameters)
    return f"def {name}({arguments}):\n{body}"


def _mentions(source: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", source) is not None
