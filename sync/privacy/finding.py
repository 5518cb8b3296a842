"""What a detector gives: the kind of personal data and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Span = tuple[int, int]
#: Gets folded text and, in lower case, the words that name it; gives the spans it is sure of.
Detector = Callable[[str, str], Iterable[Span]]

# Words this near before a number say what it is.
REACH = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data of one kind from character `start` to before `end`."""

    kind: str
    start: int
    end: int


def words_before(text: str, start: int, context: str) -> str:
    """What stands just before a place, in lower case, after the words that name the text."""
    return f"{context} {text[max(0, start - REACH) : start].lower()}"
