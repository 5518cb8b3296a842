"""Addresses of machines: IP version 4 and 6, and MAC (IEEE 802)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from sync.privacy.finding import Span, words_before

FOUR = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
SIX = re.compile(
    r"(?:(?<![\w:.])|(?<=[g-zG-Z]:)(?=\d))[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![\w])"
)
MAC = re.compile(
    r"(?<!\w)(?<![0-9A-Fa-f][:-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![\w:-])"
)
# Four numbers with dots are a version where these words say so.
VERSION = re.compile(r"(?:\bv|version|release|build|firmware|driver|upgrade\w*|patch)[\s:=-]*$")
LEAST_OF_SIX = 3


def find_ip_addresses(text: str, context: str) -> Iterator[Span]:
    """Every address but the unspecified ones, and no version numbers."""
    for match in FOUR.finditer(text):
        if not VERSION.search(words_before(text, match.start(), context).rstrip()):
            try:
                address = ipaddress.IPv4Address(match[0])
            except ValueError:
                continue
            if not address.is_unspecified:
                yield match.span()
    for match in SIX.finditer(text):
        found = match[0].rstrip(".:") if not match[0].endswith("::") else match[0]
        digits = sum(character.isalnum() for character in found)
        if digits < LEAST_OF_SIX or ("::" not in found and found.count(":") < 6):
            continue
        try:
            ipaddress.IPv6Address(found)
        except ValueError:
            continue
        yield match.start(), match.start() + len(found)


def find_mac_addresses(text: str, context: str) -> Iterator[Span]:
    """Hardware addresses in the three usual ways of writing."""
    for match in MAC.finditer(text):
        if len(set(match[0].lower())) > 2:
            yield match.span()
