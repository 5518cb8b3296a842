"""Steps that take off an end or a beginning which only some of the texts have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues, common_prefix
from workbench.synthesis.by_example.code import X, escape, quote, regex
from workbench.synthesis.by_example.expression import Kind, Operation, operation
from workbench.synthesis.by_example.patterns import piece_shapes

TEXT = Kind.TEXT
_opening = re.compile(r"\s*([(\[{<])")
CLOSINGS = {"(": ")", "[": "]", "{": "}", "<": ">"}
MAX_WORDS = 5


def edge_operations(values: Sequence[object], clues: Clues) -> Iterator[Operation]:
    """What leaves the outputs, where each text is its output and something more."""
    pairs = [
        (value, output)
        for value, output in zip(values, clues.outputs, strict=True)
        if isinstance(value, str) and output is not None
    ]
    if len(pairs) < 2:
        return
    if all(value.startswith(output) for value, output in pairs):
        yield from _tails([value[len(output) :] for value, output in pairs])
    if all(value.endswith(output) for value, output in pairs):
        yield from _heads([value[: len(value) - len(output)] for value, output in pairs])


def _tails(tails: Sequence[str]) -> Iterator[Operation]:
    some = list(dict.fromkeys(tail for tail in tails if tail))
    if not some:
        return
    for pattern, cost in _tail_patterns(some):
        yield operation(f'{regex("TAIL", pattern)}.sub("", {X})', TEXT, TEXT, cost, "head")
    if len(some) <= 3 and len(some) < len(tails) and all(len(tail) <= 12 for tail in some):
        cost = 3.0 + 0.4 * sum(len(tail) for tail in some)
        code = X
        for tail in sorted(some, key=lambda text: (-len(text), text)):
            code += f".removesuffix({quote(tail)})"
        yield operation(code, TEXT, TEXT, cost, "head")


def _tail_patterns(some: Sequence[str]) -> Iterator[tuple[str, float]]:
    shared = common_prefix(some)
    if shared:
        yield f"{escape(shared)}.*$", 4.0 + 0.2 * len(shared)
    opened = [_opening.match(tail) for tail in some]
    brackets = {found[1] for found in opened if found}
    if len(brackets) == 1 and all(opened):
        mark = brackets.pop()
        closing = CLOSINGS[mark]
        if all(tail.rstrip().endswith(closing) for tail in some):
            inside = f"[^{escape(mark)}{escape(closing)}]*"
            yield rf"\s*{escape(mark)}{inside}{escape(closing)}$", 4.4
            words = _first_words([tail.lstrip()[1:] for tail in some])
            if words:
                yield (
                    rf"\s*{escape(mark)}(?:{words}){inside}{escape(closing)}$",
                    6.0 + 0.1 * len(words),
                )
    words = _first_words(some)
    if words and not shared.strip():
        yield rf"[\W_]*\b(?:{words})\b.*$", 6.0 + 0.1 * len(words)
    for shape, cost in piece_shapes(tuple(some)):
        if not shape.startswith("."):
            yield f"{shape}$", 4.5 + cost


def _first_words(tails: Sequence[str]) -> str:
    """An alternation of what the tails begin with: a word and the mark after it."""
    words: dict[str, None] = {}
    for tail in tails:
        found = re.match(r"[\W_]*([^\W\d_][\w-]*[=:]?)", tail)
        if found is None:
            return ""
        words.setdefault(found[1])
    if len(words) > MAX_WORDS:
        return ""
    keys = [word for word in words if word[-1] in "=:"]
    if len(keys) == len(words) and len({word[-1] for word in keys}) == 1:
        names = "|".join(sorted(escape(word[:-1]) for word in keys))
        return f"(?:{names}){keys[0][-1]}" if len(keys) > 1 else escape(keys[0])
    return "|".join(sorted(escape(word) for word in words))


def _heads(heads: Sequence[str]) -> Iterator[Operation]:
    some = list(dict.fromkeys(head for head in heads if head))
    if not some:
        return
    for shape, cost in piece_shapes(tuple(some)):
        if not shape.startswith("."):
            code = f'{regex("HEAD", "^" + shape)}.sub("", {X})'
            yield operation(code, TEXT, TEXT, 4.5 + cost, "rest")
    if len(some) <= 3 and len(some) < len(heads) and all(len(head) <= 12 for head in some):
        cost = 3.0 + 0.4 * sum(len(head) for head in some)
        code = X
        for head in sorted(some, key=lambda text: (-len(text), text)):
            code += f".removeprefix({quote(head)})"
        yield operation(code, TEXT, TEXT, cost, "rest")
