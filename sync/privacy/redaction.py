"""Replaces personal data in any JSON value by tokens: the same value, the same token.

A token is keyed (HMAC-SHA-256, RFC 2104), so that who does not have this box's key can neither
guess a value from it nor match it with another box's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.privacy.detection import DETECTORS, find_personal_data
from sync.privacy.finding import Detector
from sync.privacy.folding import fold

TOKEN_HEX = 12
MAX_DEPTH = 200
NOT_SIGNIFICANT = re.compile(r"[\s().\-/]")
KEEPING_MARKS = frozenset({"EMAIL", "SECRET", "IP", "MAC"})


@dataclass(slots=True)
class Redaction:
    """A value without personal data, and how much of each kind was replaced."""

    value: Any
    counts: Counter[str] = field(default_factory=Counter)


class Redactor:
    """Redacts with one box's key."""

    def __init__(self, key: bytes, detectors: Mapping[str, Detector] = DETECTORS) -> None:
        self._key = key
        self._detectors = detectors

    def redact(self, value: Any, context: str = "") -> Redaction:
        """A copy of `value` (JSON) with everything personal replaced, in keys and numbers too."""
        counts: Counter[str] = Counter()
        return Redaction(self._redact(value, context, counts, 0), counts)

    def token(self, kind: str, text: str) -> str:
        """The token that stands for `text`, however it was written."""
        plain = fold(text).text.casefold()
        if kind not in KEEPING_MARKS:
            plain = NOT_SIGNIFICANT.sub("", plain)
        digest = hmac.new(
            self._key, f"{kind}:{plain}".encode(errors="surrogatepass"), hashlib.sha256
        )
        return f"[{kind}:{digest.hexdigest()[:TOKEN_HEX]}]"

    def _redact(self, value: Any, context: str, counts: Counter[str], depth: int) -> Any:
        if depth > MAX_DEPTH:
            counts["TOO_DEEP"] += 1
            return "[TOO_DEEP]"
        if isinstance(value, str):
            return self._redact_text(value, context, counts)
        if isinstance(value, dict):
            return {
                self._redact_text(str(key), "", counts): self._redact(
                    inner, str(key), counts, depth + 1
                )
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._redact(inner, context, counts, depth + 1) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._redact_number(value, context, counts)
        return value

    def _redact_text(self, text: str, context: str, counts: Counter[str]) -> str:
        parts: list[str] = []
        end = 0
        for found in find_personal_data(text, context, self._detectors):
            parts += (
                text[end : found.start],
                self.token(found.kind, text[found.start : found.end]),
            )
            counts[found.kind] += 1
            end = found.end
        return "".join((*parts, text[end:])) if parts else text

    def _redact_number(
        self, number: float, context: str, counts: Counter[str]
    ) -> int | float | str:
        whole = isinstance(number, int) or (number.is_integer() and abs(number) < 1e19)
        text = str(int(number)) if whole else repr(number)
        redacted = self._redact_text(text, context, counts)
        return number if redacted == text else redacted
