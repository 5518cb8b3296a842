"""Numbers that states give to people: shape, checksum, and for plain digits a word that says so.

Checksums come from python-stdnum. A number whose shape and check are strong needs no word before
it; one of nine to eleven bare digits would be found in every tenth order number, and does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.ie import pps
from stdnum.in_ import aadhaar
from stdnum.iso7064 import mod_11_2
from stdnum.it import codicefiscale
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import nif
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.za import idnr as za_id

from sync.privacy.finding import Span, words_before

SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])")
BARE_SSN = re.compile(r"(?<![\w.-])(?!000|666|9\d\d)\d{3}(?!00)\d{2}(?!0000)\d{4}(?![\w-])")
SSN_WORDS = re.compile(r"\bssn\b|social.?security|\bsocial\b|taxpayer|\btin\b")


@dataclass(frozen=True, slots=True)
class NationalNumber:
    """One country's number: its shape, its check, and the words one of which must come before."""

    shape: re.Pattern[str]
    is_valid: Callable[[str], bool]
    words: re.Pattern[str] | None = None


def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){pattern}(?![\w-])", re.IGNORECASE)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


NATIONAL_NUMBERS = (
    NationalNumber(_shape(r"\d{8}-?[A-Z]"), dni.is_valid),
    NationalNumber(_shape(r"[XYZ]-?\d{7}-?[A-Z]"), nie.is_valid),
    NationalNumber(_shape(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"), codicefiscale.is_valid),
    NationalNumber(_shape(r"[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d"), nir.is_valid),
    NationalNumber(_shape(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d"), nn.is_valid),
    NationalNumber(
        _shape(r"\d{11}"), nn.is_valid, _words(r"rijksregister|national|registre|\bnn\b")
    ),
    NationalNumber(_shape(r"\d{9}"), bsn.is_valid, _words(r"\bbsn\b|burgerservice|sofi")),
    NationalNumber(_shape(r"\d{11}"), pesel.is_valid, _words(r"pesel")),
    NationalNumber(_shape(r"(?:\d\d)?\d{6}[-+]\d{4}"), personnummer.is_valid),
    NationalNumber(_shape(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]"), hetu.is_valid),
    NationalNumber(_shape(r"\d{6}-?\d{4}"), cpr.is_valid, _words(r"\bcpr\b|personnummer")),
    NationalNumber(
        _shape(r"\d{6} ?\d{5}"), fodselsnummer.is_valid, _words(r"f[øo]dsels|personnummer")
    ),
    NationalNumber(
        _shape(
            r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"
        ),
        lambda number: True,
    ),
    NationalNumber(_shape(r"\d{3}[ -]?\d{3}[ -]?\d{4}"), nhs.is_valid, _words(r"\bnhs\b")),
    NationalNumber(_shape(r"\d{3}\.\d{3}\.\d{3}-\d\d"), cpf.is_valid),
    NationalNumber(_shape(r"\d{11}"), cpf.is_valid, _words(r"\bcpf\b")),
    NationalNumber(_shape(r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d"), curp.is_valid),
    NationalNumber(_shape(r"\d{4}[ -]\d{4}[ -]\d{4}"), aadhaar.is_valid),
    NationalNumber(_shape(r"\d{12}"), aadhaar.is_valid, _words(r"aadhaar|aadhar|\buid")),
    NationalNumber(_shape(r"\d{3}([ -])\d{3}\1\d{3}"), sin.is_valid),
    NationalNumber(_shape(r"\d{9}"), sin.is_valid, _words(r"\bsin\b|social insurance")),
    NationalNumber(_shape(r"\d{3} ?\d{3} ?\d{2,3}"), tfn.is_valid, _words(r"\btfn\b|tax file")),
    NationalNumber(
        _shape(r"\d{2} ?\d{3} ?\d{3} ?\d{3}"), idnr.is_valid, _words(r"steuer|\bidnr\b|tax id")
    ),
    NationalNumber(_shape(r"756\.?\d{4}\.?\d{4}\.?\d\d"), ahv.is_valid),
    NationalNumber(_shape(r"\d{9}"), nif.is_valid, _words(r"\bnif\b|contribuinte")),
    NationalNumber(
        _shape(r"[1-8]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[0-9X]"),
        mod_11_2.is_valid,
    ),
    # Those given since October 2020 end in random digits, so there is no check (Korea).
    NationalNumber(
        _shape(r"\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])-[1-8]\d{6}"), lambda number: True
    ),
    NationalNumber(_shape(r"[1-9]\d{10}"), tckimlik.is_valid, _words(r"kimlik|\btc\b|tckn")),
    NationalNumber(_shape(r"\d{13}"), za_id.is_valid, _words(r"\bid\b|identity|south africa")),
    NationalNumber(_shape(r"\d{7}[A-W][A-IW]?"), pps.is_valid),
)


def find_social_security_numbers(text: str, context: str) -> Iterator[Span]:
    """United States: grouped anywhere (rules of the SSA), bare only after a word that says so."""
    for match in SSN.finditer(text):
        yield match.span()
    for match in BARE_SSN.finditer(text):
        if SSN_WORDS.search(words_before(text, match.start(), context)):
            yield match.span()


def find_national_numbers(text: str, context: str) -> Iterator[Span]:
    """Numbers of some 25 countries."""
    for number in NATIONAL_NUMBERS:
        for match in number.shape.finditer(text):
            words = number.words
            if words and not words.search(words_before(text, match.start(), context)):
                continue
            if number.is_valid(match[0]):
                yield match.span()
