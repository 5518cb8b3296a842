"""Texts that say the same with other spelling, spacing or word order. Pure."""

from __future__ import annotations

import unicodedata
from typing import Any

from rapidfuzz import fuzz

from runtime.models import ComparisonRule
from runtime.validation.comparison import Comparison, Exact, Schema

DEFAULT_THRESHOLD = 0.9
# Beyond so many characters only the beginnings are compared: the cost grows with the square.
MOST_CHARACTERS = 20_000


class Fuzzy:
    """Texts by rapidfuzz: the better of their edit similarity and that of their sorted words.

    Case, width and white space do not count. Anything but a text is compared exactly.
    """

    def __init__(self) -> None:
        self._exact = Exact()

    def compare(self, expected: Any, got: Any, rule: ComparisonRule, schema: Schema) -> Comparison:
        if not isinstance(expected, str) or not isinstance(got, str):
            return self._exact.compare(expected, got, rule, schema)
        score = likeness(expected, got)
        threshold = DEFAULT_THRESHOLD if rule.threshold is None else rule.threshold
        return Comparison(score >= threshold, score, "fuzzy")


def likeness(one: str, other: str) -> float:
    """1 for texts that are the same but for case and spacing, 0 for nothing in common."""
    first, second = _plain(one), _plain(other)
    if first == second and max(len(one), len(other)) <= MOST_CHARACTERS:
        return 1.0
    best = max(fuzz.ratio(first, second), fuzz.token_sort_ratio(first, second)) / 100
    # Word order is all that differs: as like as can be without being the same.
    return min(best, 0.999)


def token_overlap(one: str, other: str) -> float:
    """The share of words two texts have in common (Jaccard)."""
    first, second = set(_plain(one).split()), set(_plain(other).split())
    union = first | second
    return len(first & second) / len(union) if union else 1.0


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold().split())
