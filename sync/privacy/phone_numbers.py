"""Phone numbers: what is written like one and is one, by the numbering plans of libphonenumber.

Bare digits count only where a word says that they are a number to call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from sync.privacy.finding import Span, words_before

# Plans under which a number without a country code is looked at.
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "BR", "IN", "AU", "JP", "KR", "CN")
CANDIDATE = re.compile(
    r"(?<![\w./@#$€£-])(?<!\d[ ,])\(?(?:\+|00)?\(?\d[\d ().\-/]{4,22}\d"
    r"(?:\s?(?:x|ext\.?|extension|#)\s?\d{1,6})?(?![\w]|[-/.:,]\d|%)",
    re.IGNORECASE,
)
EXTENSION = re.compile(r"\s?(?:x|ext\.?|extension|#)\s?\d{1,6}$", re.IGNORECASE)
WORDS = re.compile(
    r"phone|\btel\b|\btel[.:]|telefon|telefone|tel[ée]fono|\bt[ée]l\b|\bcall\b|calling|mobile"
    r"|\bcell|\bfax\b|whatsapp|\bsms\b|\btext\b|\bring\b|\breach\b|contact|\bdial|\bhandy\b"
    r"|m[óo]vil|\bportable\b|hotline|answering|messages? to|registered|\bph\b|celular|rufnummer"
    r"|voicemail|number is|numero|n[úu]mero|电话|電話|전화"
)
NOT_PHONE = re.compile(
    r"(?:order|invoice|tracking|ref(?:erence)?|ticket|sku|serial|part|item|case|account|acct|isbn"
    r"|batch|lot|build|version|policy|booking|timestamp|confirmation|transaction|receipt|po|id"
    r"|code|zip)"
    r"(?:\s*(?:no|nr|num|number|id))?\.?\s*[#:=]*\s*$"
)
# Dates, spans of years, decimal numbers, postal codes (Brazil, Japan, United States).
OTHER = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{2,4}|\d{4}[-/]\d{4}"
    r"|\d{1,3}\.\d+|\d{5}-\d{3,4}|\d{3}-\d{4}"
)
THOUSANDS = re.compile(r"\d{1,3}(?:[. ]\d{3})+")
NORTH_AMERICA = re.compile(r"(?:\+?1[ .-]?|001-)?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}")
AFTER = re.compile(r"[ ,(-]*(?:office|fax|mobile|cell|home|work|landline)\b", re.IGNORECASE)
GROUPED = re.compile(r"\d{2,3} \d{4,5}-\d{4}|\d{2,4} \d{3,4} \d{2} \d{2}|\d{5} \d{5}")
DIGITS = range(7, 16)


def find_phone_numbers(text: str, context: str) -> Iterator[Span]:
    """Numbers to call in `text`, with their extensions."""
    for match in CANDIDATE.finditer(text):
        found = match[0]
        while found.count("(") > found.count(")") and found.startswith("("):
            found = found[1:]
        start = match.end() - len(found)
        before = words_before(text, start, context)
        alone = before.rstrip(" ").endswith("\n") and text[match.end() :].lstrip(" ")[:1] in "\n"
        said = alone or AFTER.match(text, match.end()) or WORDS.search(before)
        if _is_phone(found, before, called=bool(said)):
            yield start, match.end()


def _is_phone(found: str, before: str, *, called: bool) -> bool:
    """`called`: a word says that it is one, or it has a line of its own, as in an address."""
    number = EXTENSION.sub("", found)
    digits = sum(character.isdigit() for character in number)
    if digits not in DIGITS or OTHER.fullmatch(number.strip()):
        return False
    if number.startswith(("+", "(+")):
        return _follows_a_plan(number, (None,), strict=False)
    if NOT_PHONE.search(before.rstrip()) and not called:
        return False
    if NORTH_AMERICA.fullmatch(number):
        return True
    if number.startswith("00"):
        return _follows_a_plan("+" + number[2:], (None,), strict=False)
    if called:
        return _follows_a_plan(number, REGIONS, strict=False)
    if THOUSANDS.fullmatch(number) or not (number[0] in "0(" or GROUPED.fullmatch(number)):
        return False
    return _follows_a_plan(number, REGIONS, strict=True)


def _follows_a_plan(number: str, regions: tuple[str | None, ...], *, strict: bool) -> bool:
    for region in regions:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return True
        if not strict and phonenumbers.is_possible_number(parsed):
            return True
    return False
