"""Payment cards and bank accounts: shape, issuer, then checksum (ISO/IEC 7812-1, ISO 13616)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from sync.privacy.finding import Span

CARD = re.compile(r"(?<![\w.+-])(?<!\d[ .-])\d(?:[ .-]?\d){11,18}(?![\w-]|\.\d)")
# First digits and lengths by network, as the networks publish them.
ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{10,14}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50|5[6-9]|6[0-9])\d{10,17}"  # Maestro
)
ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
SEPARATORS = re.compile(r"[ .-]")


def find_cards(text: str, context: str) -> Iterator[Span]:
    """Card numbers, grouped by single spaces, dots or hyphens or not at all."""
    for match in CARD.finditer(text):
        digits = SEPARATORS.sub("", match[0])
        if ISSUERS.fullmatch(digits) and luhn.is_valid(digits) and len(set(digits)) > 1:
            yield match.span()


def find_accounts(text: str, context: str) -> Iterator[Span]:
    """IBANs of any country, also written in groups or in lower case."""
    for match in ACCOUNT.finditer(text):
        ends = [place + 1 for place in range(match.start(), match.end()) if text[place].isalnum()]
        for end in reversed(ends):
            if end < len(text) and text[end].isalnum() and end == match.end():
                continue
            if end - match.start() >= 15 and iban.is_valid(text[match.start() : end]):
                yield match.start(), end
                break
