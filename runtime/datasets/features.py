"""What an input or output is like, in a few small numbers and names: length, tokens, kinds.

The same on every machine and in every process; it keeps nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from zlib import crc32

MAX_TEXT = 4000
MAX_TOKENS = 200
TOKEN = re.compile(r"\w+")


def texts(value: Any) -> Iterator[str]:
    """The texts in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def text_length(value: Any) -> int:
    """Characters of all texts in a value."""
    return sum(map(len, texts(value)))


def length_bucket(length: int) -> int:
    """0 for none, then a bucket for each doubling: 1, 2-3, 4-7, 8-15, …"""
    return length.bit_length()


def tokens(value: Any) -> list[str]:
    """The first words of a value's texts, in lower case, at most `MAX_TOKENS`."""
    joined = " ".join(texts(value))[:MAX_TEXT].lower()
    return list(islice((match.group() for match in TOKEN.finditer(joined)), MAX_TOKENS))


def token_bucket(words: list[str], buckets: int) -> int:
    """One bucket for a text by the least hash of its words (MinHash of one permutation, Broder
    1997): two texts share it as often as they share words. 0 for a text without words."""
    return min((crc32(word.encode("utf-8", "replace")) for word in words), default=0) % buckets
