"""Pieces of Python that each answer one value, and the program put together from them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from runtime.models import TaskSpecification

LINE_WIDTH = 96
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Python that defines `function(input_data)` and what it needs.

    `source` holds module-level constants and functions, all of whose names begin with
    `function` (any case) or an underscore-free prefix of it, so that fragments do not collide.
    `imports` are whole import lines. The function returns a value, or a pair
    (value, confidence in [0, 1]) when `gives_confidence`. It never raises on an input
    that fits the task's schema, missing optional fields included.
    """

    function: str
    source: str
    imports: tuple[str, ...] = ()
    gives_confidence: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RankedFragment:
    """A fragment that was induced from examples, with how well it is believed to do.

    `score` is the accuracy in [0, 1] estimated on training examples alone (by inner
    cross-validation where there are enough); lists of these are ordered best first.
    `title` is a few words that tell it from its siblings; `notes` says in sentences how it
    decides; `structure` is the induced rules or pattern, for whoever writes it another way.
    """

    fragment: Fragment
    score: float
    title: str
    notes: tuple[str, ...] = ()
    structure: object | None = None


def write_program(
    task: TaskSpecification,
    parts: Fragment | Mapping[Path, Fragment],
    about: str,
) -> str:
    """The whole of `program.py` but its launcher.

    A single fragment answers the whole output; a mapping from output path to fragment
    answers an object field by field, with the lowest of the fields' confidences.
    `about` says in a sentence or two how the program decides.
    """
    fragments = [parts] if isinstance(parts, Fragment) else list(parts.values())
    imports = sorted({line for fragment in fragments for line in fragment.imports})
    blocks = [_docstring(task, about)]
    if imports:
        blocks.append("\n".join(imports))
    blocks.extend(fragment.source.strip("\n") + "\n" for fragment in fragments)
    body = _run_single(parts) if isinstance(parts, Fragment) else _run_object(parts)
    blocks.append("\n" + body)
    return "\n\n".join(block.rstrip("\n") for block in blocks) + "\n"


def _docstring(task: TaskSpecification, about: str) -> str:
    words = " ".join(task.description.split())
    paragraphs = [textwrap.fill(text, LINE_WIDTH) for text in (words, " ".join(about.split()))]
    text = "\n\n".join(part for part in paragraphs if part)
    return '"""' + text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"') + '\n"""'


def _run_single(fragment: Fragment) -> str:
    return f"def run(input_data):\n    return {fragment.function}(input_data)\n"


def _run_object(parts: Mapping[Path, Fragment]) -> str:
    lines = ["def run(input_data):"]
    confidences = []
    for fragment in parts.values():
        local = fragment.function + "_value"
        if fragment.gives_confidence:
            sure = fragment.function + "_confidence"
            confidences.append(sure)
            lines.append(f"    {local}, {sure} = {fragment.function}(input_data)")
        else:
            lines.append(f"    {local} = {fragment.function}(input_data)")
    tree: dict[str, object] = {}
    for path, fragment in parts.items():
        here = tree
        for key in path[:-1]:
            inner = here.setdefault(key, {})
            assert isinstance(inner, dict)
            here = inner
        here[path[-1]] = fragment.function + "_value"
    lines.append("    output = " + _write_tree(tree, 4))
    if confidences:
        least = confidences[0] if len(confidences) == 1 else f"min({', '.join(confidences)})"
        lines.append(f"    return output, {least}")
    else:
        lines.append("    return output")
    return "\n".join(lines) + "\n"


def _write_tree(tree: Mapping[str, object], indent: int) -> str:
    inner = " " * (indent + 4)
    rows = [
        f"{inner}{key!r}: "
        + (_write_tree(value, indent + 4) if isinstance(value, dict) else str(value))
        + ","
        for key, value in tree.items()
    ]
    return "{\n" + "\n".join(rows) + "\n" + " " * indent + "}"
