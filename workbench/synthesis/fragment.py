"""Pieces of Python that each answer one value, and the program put together from them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping
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
    *,
    left_out: Collection[Path] = (),
    nulled: Collection[Path] = (),
) -> str:
    """The whole of `program.py` but its launcher.

    A single fragment answers the whole output; a mapping from output path to fragment
    answers an object field by field, with the lowest of the fields' confidences.
    `about` says in a sentence or two how the program decides. A path in `left_out` is absent
    from the output where its value is None, or its object holds nothing; a path in `nulled`
    is an object that is None where it holds nothing.
    """
    fragments = [parts] if isinstance(parts, Fragment) else list(parts.values())
    imports = sorted({line for fragment in fragments for line in fragment.imports})
    head = [_docstring(task, about)]
    if imports:
        head.append("\n".join(imports))
    first, *rest = (fragment.source.strip("\n") for fragment in fragments)
    if not first.startswith("def "):
        head.append(first)
    else:
        rest.insert(0, first)
    body = (
        _run_single(parts) if isinstance(parts, Fragment) else _run_object(parts, left_out, nulled)
    )
    return "\n\n\n".join(["\n\n".join(head), *rest, body])


def _docstring(task: TaskSpecification, about: str) -> str:
    words = " ".join(task.description.split())
    paragraphs = [textwrap.fill(text, LINE_WIDTH) for text in (words, " ".join(about.split()))]
    text = "\n\n".join(part for part in paragraphs if part)
    return '"""' + text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"') + '\n"""'


def _run_single(fragment: Fragment) -> str:
    return f"def run(input_data):\n    return {fragment.function}(input_data)\n"


def _run_object(
    parts: Mapping[Path, Fragment], left_out: Collection[Path], nulled: Collection[Path]
) -> str:
    lines = ["def run(input_data):"]
    confidences = []
    tree: dict[str, object] = {}
    for path, fragment in parts.items():
        answer = f"{fragment.function}(input_data)"
        if fragment.gives_confidence:
            value, sure = fragment.function + "_value", fragment.function + "_confidence"
            confidences.append(sure)
            lines.append(f"    {value}, {sure} = {answer}")
            answer = value
        here = tree
        for key in path[:-1]:
            inner = here.setdefault(key, {})
            assert isinstance(inner, dict)
            here = inner
        here[path[-1]] = answer
    lines.append("    output = " + _write_tree(tree, 4))
    lines.extend(_omissions(parts, left_out, nulled))
    if confidences:
        least = confidences[0] if len(confidences) == 1 else f"min({', '.join(confidences)})"
        lines.append(f"    return output, {least}")
    else:
        lines.append("    return output")
    return "\n".join(lines) + "\n"


def _omissions(
    parts: Mapping[Path, Fragment], left_out: Collection[Path], nulled: Collection[Path]
) -> Iterator[str]:
    """Lines that take out what has no value: values first, then objects, the deepest first."""
    for path in sorted({*left_out, *nulled}, key=lambda path: (path not in parts, -len(path))):
        *above, last = (f"[{key!r}]" for key in path)
        holder = "output" + "".join(above)
        if path in parts:
            yield f"    if {holder}{last} is None:"
        else:
            yield f"    if all(value is None for value in {holder}{last}.values()):"
        if path in left_out:
            yield f"        del {holder}{last}"
        else:
            yield f"        {holder}{last} = None"


def _write_tree(tree: Mapping[str, object], indent: int) -> str:
    inner = " " * (indent + 4)
    rows = [
        f"{inner}{key!r}: "
        + (_write_tree(value, indent + 4) if isinstance(value, dict) else str(value))
        + ","
        for key, value in tree.items()
    ]
    return "{\n" + "\n".join(rows) + "\n" + " " * indent + "}"
