"""Texts that mean the same: the cosine of their embeddings, made by a model through Ollama.

Where no model can be reached the words decide instead (the better of fuzzy likeness and word
overlap), and the comparison says `fuzzy`: a box without a model compares all the same.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from runtime.models import ComparisonRule
from runtime.validation.comparison import Comparison, Schema
from runtime.validation.fuzzy import Fuzzy, likeness, token_overlap
from runtime.validation.oracle import OracleError

DEFAULT_THRESHOLD = 0.85
MOST_REMEMBERED = 2000
SECONDS_WITHOUT_MODEL = 60.0

Embed = Callable[[Sequence[str]], list[list[float]]]

logger = logging.getLogger("loopai.validation")


class Semantic:
    """`embed` gives a vector for each text, or raises OracleError."""

    def __init__(self, embed: Embed, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._embed = embed
        self._monotonic = monotonic
        self._fuzzy = Fuzzy()
        self._vectors: OrderedDict[str, list[float]] = OrderedDict()
        self._ask_again_at = 0.0

    def compare(self, expected: Any, got: Any, rule: ComparisonRule, schema: Schema) -> Comparison:
        if not isinstance(expected, str) or not isinstance(got, str) or expected == got:
            return self._fuzzy.compare(expected, got, rule, schema)
        threshold = DEFAULT_THRESHOLD if rule.threshold is None else rule.threshold
        if self._monotonic() >= self._ask_again_at:
            try:
                score = cosine(*self._both(expected, got))
                return Comparison(score >= threshold, score, "semantic")
            except OracleError as error:
                self._ask_again_at = self._monotonic() + SECONDS_WITHOUT_MODEL
                logger.warning("no embeddings, words decide for now: %s", error)
        score = max(likeness(expected, got), token_overlap(expected, got))
        return Comparison(score >= threshold, score, "fuzzy")

    def _both(self, one: str, other: str) -> tuple[list[float], list[float]]:
        unknown = [text for text in (one, other) if text not in self._vectors]
        if unknown:
            self._vectors.update(zip(unknown, self._embed(unknown), strict=True))
        pair = self._vectors[one], self._vectors[other]
        while len(self._vectors) > MOST_REMEMBERED:
            self._vectors.popitem(last=False)
        return pair


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of the angle between two vectors, opposite ones counting as 0."""
    length = math.hypot(*one) * math.hypot(*other)
    if not length:
        return 0.0
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return min(1.0, max(0.0, product / length))
