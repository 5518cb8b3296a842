"""All detectors over one text, also over what is percent- or base64-encoded in it.

Where findings overlap the longer one stays; of two as long, the kind that comes first below.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from sync.privacy.card_numbers import find_accounts, find_cards
from sync.privacy.finding import Detector, Finding, Span
from sync.privacy.folding import fold
from sync.privacy.national_numbers import find_national_numbers, find_social_security_numbers
from sync.privacy.network_addresses import find_ip_addresses, find_mac_addresses
from sync.privacy.phone_numbers import find_phone_numbers
from sync.privacy.secrets_in_text import find_secrets

EMAIL = re.compile(
    r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]*[\w+-]@(?:[\w-]+\.)+[^\W\d_][\w-]*[^\W_](?![\w@])"
)


def find_emails(text: str, context: str) -> Iterator[Span]:
    """Addresses with a domain, in any script (RFC 5321, RFC 6531)."""
    for match in EMAIL.finditer(text):
        yield match.span()


DETECTORS: Mapping[str, Detector] = {
    "SECRET": find_secrets,
    "EMAIL": find_emails,
    "CREDIT_CARD": find_cards,
    "IBAN": find_accounts,
    "SSN": find_social_security_numbers,
    "NATIONAL_ID": find_national_numbers,
    "MAC": find_mac_addresses,
    "IP": find_ip_addresses,
    "PHONE": find_phone_numbers,
}
PERCENT = re.compile(r"[\w.~+!*'()-]*(?:%[0-9A-Fa-f]{2}[\w.~+!*'()-]*)+")
BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
# Something encoded twice is looked at, something encoded ten times is not.
MAX_DEPTH = 3
PRINTABLE_SHARE = 0.95


def find_personal_data(
    text: str, context: str = "", detectors: Mapping[str, Detector] = DETECTORS, depth: int = 0
) -> list[Finding]:
    """What of `text` is personal, by place, none overlapping.

    `context` is the name of the field it stands in: a number in `phone` is one to call.
    """
    folded = fold(text)
    named = re.sub(r"[^\w]+|_", " ", context).lower()
    found = [
        Finding(kind, *folded.span(start, end))
        for kind, detect in detectors.items()
        for start, end in detect(folded.text, named)
        if end > start
    ]
    if depth < MAX_DEPTH:
        found += _find_encoded(text, context, detectors, depth + 1)
    order = list(detectors)
    found.sort(key=lambda one: (one.start - one.end, order.index(one.kind), one.start))
    kept: list[Finding] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _find_encoded(
    text: str, context: str, detectors: Mapping[str, Detector], depth: int
) -> Iterator[Finding]:
    """Encoded runs that hold personal data; the whole run is the finding."""
    for match in PERCENT.finditer(text):
        decoded = unquote(match[0].replace("+", " "))
        for inner in find_personal_data(decoded, context, detectors, depth)[:1]:
            yield Finding(inner.kind, *match.span())
    for match in BASE64.finditer(text):
        decoded = _decode_base64(match[0])
        for inner in find_personal_data(decoded, context, detectors, depth)[:1] if decoded else ():
            yield Finding(inner.kind, *match.span())


def _decode_base64(run: str) -> str:
    """The text in it; empty where it holds none."""
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    printable = sum(character.isprintable() for character in decoded)
    return decoded if decoded and printable >= PRINTABLE_SHARE * len(decoded) else ""
