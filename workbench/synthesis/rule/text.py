"""How rules read a text: words, phrases, affixes, named patterns and measures.

Knows general writing conventions only (scripts, dates, money, links), no vocabulary.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# Text beyond this many characters is not read: keeps the worst case far below a time limit.
MAX_TEXT = 100_000

# Chinese and Japanese are written without spaces, so there each character is a word.
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = rf"[{_CJK}]|[^\W_{_CJK}]+(?:'[^\W_{_CJK}]+)*"
_WORD = re.compile(WORD)

PREFIX_MARK = SUFFIX_MARK = "-"
FIRST_MARK = "^"


def read_words(text: str) -> list[str]:
    """The words of `text` in order, lower case, with straight apostrophes."""
    return _WORD.findall(text.lower().replace("’", "'"))


def phrases(words: list[str], length: int) -> Iterator[str]:
    """The runs of `length` neighbouring words, joined by a space."""
    if length == 2:
        return (f"{one} {other}" for one, other in itertools.pairwise(words))
    starts = range(len(words) - length + 1)
    return (" ".join(words[start : start + length]) for start in starts)


def term_length(term: str) -> int:
    """How many words a term spans."""
    return term.count(" ") + 1


def is_prefix(term: str) -> bool:
    """Whether the term stands for all words that begin so, such as `disappoint-`."""
    return term.endswith(PREFIX_MARK)


def is_suffix(term: str) -> bool:
    """Whether the term stands for all words that end so, such as `-ción`."""
    return term.startswith(SUFFIX_MARK)


def is_first(term: str) -> bool:
    """Whether the term stands for the text's first word, such as `^what`."""
    return term.startswith(FIRST_MARK)


def find_terms(words: list[str], terms: Iterable[str]) -> set[str]:
    """Those of `terms` that occur in the text that has these words."""
    wanted = set(terms)
    found = wanted.intersection(words)
    for length in {term_length(term) for term in wanted} - {1}:
        found |= wanted.intersection(phrases(words, length))
    for length in {len(term) for term in wanted if is_prefix(term)}:
        found |= wanted.intersection(word[: length - 1] + PREFIX_MARK for word in words)
    for length in {len(term) for term in wanted if is_suffix(term)}:
        found |= wanted.intersection(SUFFIX_MARK + word[1 - length :] for word in words)
    if words and FIRST_MARK + words[0] in wanted:
        found.add(FIRST_MARK + words[0])
    return found


# Names a rule may use for a regular expression; every one is linear in the text's length.
PATTERNS: dict[str, str] = {
    "link": r"https?://|\bwww\.\w",
    "email_address": r"\w@\w[\w-]*\.\w",
    "money": r"[$€£¥₹]\s?\d|\d\s?[€£¥₹]|(?i:\d\s?(?:usd|eur|gbp|dollars?|euros?|pounds?)\b)",
    "percentage": r"\d\s?%",
    "date": r"\b\d{4}-\d\d?-\d\d?\b|\b\d\d?[/.]\d\d?[/.]\d\d(?:\d\d)?\b",
    "clock_time": r"\b\d\d?:\d\d\b|(?i:\b\d\d?\s?[ap]\.?m\b)",
    "phone_number": r"\+?\b\d[\d ().-]{5,14}\d\b",
    "capitals": r"\b[A-ZÀ-ÖØ-Þ]{3,}\b",
    "digit": r"\d",
    "long_number": r"\d{5}",
    "exclamation": r"[!！]",
    "repeated_exclamation": r"[!！][!！?？]",
    "question": r"[?？]",
    "ends_with_question": r"[?？]\s*\Z",
    "ends_with_exclamation": r"[!！]\s*\Z",
    "ellipsis": r"\.\.\.|…",
    "hashtag": r"(?:\A|\s)#\w",
    "mention": r"(?:\A|\s)@\w",
    "markup": r"</?[a-zA-Z][^<>]{0,200}>",
    "quotation": r"[\"“”«»„]",
    "emoji": r"[\u2600-\u27bf\U0001f300-\U0001faff]",
    "diacritic": r"[À-ÖØ-öø-ſ]",
    "greek": r"[\u0370-\u03ff]",
    "cyrillic": r"[\u0400-\u052f]",
    "hebrew": r"[\u0590-\u05ff]",
    "arabic": r"[\u0600-\u06ff]",
    "devanagari": r"[\u0900-\u097f]",
    "thai": r"[\u0e00-\u0e7f]",
    "kana": r"[\u3040-\u30ff]",
    "han": r"[\u3400-\u9fff]",
    "hangul": r"[\uac00-\ud7af\u1100-\u11ff]",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A number read off a text. `expression` is its Python, in terms of `{text}`, `{words}`."""

    words: str
    expression: str
    of: Callable[[str], float]


MEASURES: dict[str, Measure] = {
    "characters": Measure("characters", "len({text})", len),
    "words": Measure("words", "len({words})", lambda text: len(read_words(text))),
    "lines": Measure(
        "lines", "{text}.strip().count('\\n') + 1", lambda text: text.strip().count("\n") + 1
    ),
    "digits": Measure(
        "digits", "sum(map(str.isdigit, {text}))", lambda text: sum(map(str.isdigit, text))
    ),
    "letters": Measure(
        "letters", "sum(map(str.isalpha, {text}))", lambda text: sum(map(str.isalpha, text))
    ),
    "capitals": Measure(
        "capital letters",
        "sum(map(str.isupper, {text}))",
        lambda text: sum(map(str.isupper, text)),
    ),
    "capitals_share": Measure(
        "capitals in 100 characters",
        "100 * sum(map(str.isupper, {text})) / max(1, len({text}))",
        lambda text: 100 * sum(map(str.isupper, text)) / max(1, len(text)),
    ),
    "exclamations": Measure("exclamation marks", "{text}.count('!')", lambda text: text.count("!")),
    "commas": Measure("commas", "{text}.count(',')", lambda text: text.count(",")),
    "characters_a_word": Measure(
        "characters a word",
        "len({text}) / max(1, len({words}))",
        lambda text: len(text) / max(1, len(read_words(text))),
    ),
}
