"""Whether a regular expression a person wrote is sound, and unlikely to run away on some text."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator

# The parser of `re` is the one reader of patterns that agrees with what will run.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_PATTERN = 20_000
_SAMPLE = [chr(number) for number in range(128)] + list("éÀßжЖ漢かא٣€“ ")
_ALL = frozenset(_SAMPLE)
_CLASSES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def pattern_fault(pattern: str) -> tuple[str, str] | None:
    """(what is wrong, what to do) with a pattern, or None when it may be used."""
    if len(pattern) > MAX_PATTERN:
        return f"the pattern has {len(pattern):,} characters.", f"Keep it under {MAX_PATTERN:,}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
            tree = parser.parse(pattern)
            runs_away = any(_may_run_away(body) for body in _unbounded_bodies(tree))
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        return f"is no regular expression: {error.msg}{where}.", "Mend the pattern."
    except (RecursionError, OverflowError):
        return "is no regular expression: nested too deep or too large.", "Make it simpler."
    except Warning as warning:
        return f"is a doubtful regular expression: {warning}.", "Escape that character."
    if runs_away:
        return (
            "has a repeat inside a repeat that can split the same text in many ways, "
            "so that some texts would take for ever.",
            "Begin what repeats with a fixed character, as in (?:,\\d+)*, or drop one repeat.",
        )
    return None


def named_groups(pattern: str) -> list[str]:
    """The names of the groups in order; the pattern must be sound."""
    return list(re.compile(pattern).groupindex)


def _walk(items: Any) -> Iterator[tuple[Any, Any]]:
    """All (opcode, argument) pairs of a parsed pattern, nested ones too."""
    for code, argument in items:
        yield code, argument
        for inner in _inside(argument):
            yield from _walk(inner)


def _inside(argument: Any) -> Iterator[Any]:
    """The parsed patterns an argument holds."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _inside(part)


def _unbounded_bodies(tree: Any) -> Iterator[Any]:
    for code, argument in _walk(tree):
        if code in _REPEATS and argument[1] is codes.MAXREPEAT:
            yield argument[2]


def _may_run_away(body: Any) -> bool:
    """Whether a part of the body varies in length with no fixed character to mark its end.

    A heuristic for the usual accident, such as (a+)+ or (\\w*\\s*)*, not a proof.
    """
    items = list(_flat(body))
    for place, (code, argument) in enumerate(items):
        optional = code is codes.BRANCH and not _is_needed(code, argument)
        if code is codes.BRANCH and any(_may_run_away(branch) for branch in argument[1]):
            return True
        if code in _REPEATS or optional:
            varying = _characters([(code, argument)])
            others = items[:place] + items[place + 1 :]
            marks = (_characters([item]) for item in others if _any_needed([item]))
            if not any(varying.isdisjoint(mark) for mark in marks):
                return True
    return False


def _flat(body: Any) -> Iterator[tuple[Any, Any]]:
    """The items of a sequence, groups and repeats of a fixed number opened."""
    for code, argument in body:
        if code is codes.SUBPATTERN:
            yield from _flat(argument[3])
        elif code in _REPEATS and argument[0] == argument[1] != 0:
            yield from _flat(argument[2])
        else:
            yield code, argument


def _any_needed(items: Any) -> bool:
    """Whether the items cannot match the empty text."""
    return any(_is_needed(code, argument) for code, argument in items)


def _is_needed(code: Any, argument: Any) -> bool:
    if code in _REPEATS or code is codes.POSSESSIVE_REPEAT:
        return bool(argument[0]) and _any_needed(argument[2])
    if code is codes.BRANCH:
        return all(_any_needed(branch) for branch in argument[1])
    if code is codes.SUBPATTERN:
        return _any_needed(argument[3])
    return code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY)


def _characters(items: Any) -> frozenset[str]:
    """The sample characters that the items may match anywhere in them."""
    found: set[str] = set()
    for code, argument in _walk(items):
        if code is codes.LITERAL:
            found.update((chr(argument), chr(argument).swapcase()[:1]))
        elif code is codes.NOT_LITERAL:
            found |= _ALL - {chr(argument)}
        elif code is codes.ANY:
            found |= _ALL
        elif code is codes.IN:
            found |= _members(argument)
    return frozenset(found)


def _members(items: Any) -> frozenset[str]:
    found: set[str] = set()
    negated = False
    for code, argument in items:
        if code is codes.NEGATE:
            negated = True
        elif code is codes.LITERAL:
            found.add(chr(argument))
        elif code is codes.RANGE:
            low, high = argument
            found.update(sign for sign in _SAMPLE if low <= ord(sign) <= high)
            found.update((chr(low), chr(min(high, sys.maxunicode))))
        elif code is codes.CATEGORY:
            found.update(sign for sign in _SAMPLE if re.match(_CLASSES[argument], sign))
    return _ALL - found if negated else frozenset(found)
