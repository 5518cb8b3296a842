"""Text as a detector should see it: full-width and foreign digits plain, invisible marks gone.

What is found in folded text can be pointed at in the original, character by character.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

DASHES = frozenset("‐‑‒–—―−﹘﹣－")
# Dots that read as a full stop; NFKC leaves some of them alone.
DOTS = frozenset("。｡․﹒．")
INVISIBLE = frozenset({"Cf", "Mn", "Me", "Cc"})
KEPT_CONTROLS = frozenset("\n\r\t")


@dataclass(frozen=True, slots=True)
class Folded:
    """`starts[i]` is where in the original the folded character `i` comes from."""

    text: str
    starts: tuple[int, ...] | range
    length: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of the folded text (not empty) as a span of the original."""
        last = self.starts[end - 1]
        following = end
        while following < len(self.starts) and self.starts[following] == last:
            following += 1
        stop = self.starts[following] if following < len(self.starts) else self.length
        # Invisible marks right after the last character belong to it only within the span.
        return self.starts[start], last + 1 if following == end and stop > last + 1 else stop


def fold(text: str) -> Folded:
    """Fold `text`; ASCII comes back as it is."""
    if text.isascii() and text.isprintable():
        return Folded(text, range(len(text)), len(text))
    folded: list[str] = []
    starts: list[int] = []
    for place, character in enumerate(text):
        plain = _fold_character(character)
        folded.append(plain)
        starts.extend([place] * len(plain))
    return Folded("".join(folded), tuple(starts), len(text))


def _fold_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character in KEPT_CONTROLS else ""
    if character in DASHES:
        return "-"
    if character in DOTS:
        return "."
    category = unicodedata.category(character)
    if category in INVISIBLE:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    return unicodedata.normalize("NFKC", character)
