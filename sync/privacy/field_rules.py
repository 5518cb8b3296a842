"""What a task says of single fields: keep them, redact them, hash them or drop them.

A field is named by its path, such as `customer.email`; `*` stands for any one name or place in a
list, and a rule for a field holds for all that is in it unless a longer one says otherwise.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from runtime.strict_json import canonical
from sync.privacy.redaction import Redaction, Redactor

Rule = Literal["keep", "redact", "hash", "drop"]
Path = tuple[str, ...]
_DROPPED = object()


class FieldRules:
    """Applies the rules of one task; fields without one are treated as `otherwise`."""

    def __init__(
        self, rules: Mapping[str, Rule], redactor: Redactor, key: bytes, otherwise: Rule = "redact"
    ) -> None:
        self._rules: dict[Path, Rule] = {tuple(p.split(".")): rule for p, rule in rules.items()}
        self._redactor = redactor
        self._key = key
        self._otherwise: Rule = otherwise

    def apply(self, value: Any) -> Redaction:
        """A copy of `value` as the rules want it; None where all of it is dropped."""
        counts: Counter[str] = Counter()
        filtered = self._apply(value, (), self._otherwise, counts)
        return Redaction(None if filtered is _DROPPED else filtered, counts)

    def _apply(self, value: Any, path: Path, inherited: Rule, counts: Counter[str]) -> Any:
        rule = self._rule(path) or inherited
        if isinstance(value, dict | list) and self._has_inner_rule(path):
            return self._apply_inside(value, path, rule, counts)
        if rule == "drop":
            counts["DROPPED"] += 1
            return _DROPPED
        if rule == "hash":
            counts["HASHED"] += 1
            return keyed_hash(self._key, value)
        if rule == "keep":
            return value
        redaction = self._redactor.redact(value, path[-1] if path else "")
        counts.update(redaction.counts)
        return redaction.value

    def _apply_inside(self, value: Any, path: Path, rule: Rule, counts: Counter[str]) -> Any:
        if isinstance(value, list):
            items = (
                self._apply(item, (*path, str(at)), rule, counts) for at, item in enumerate(value)
            )
            return [item for item in items if item is not _DROPPED]
        made: dict[str, Any] = {}
        for name, inner in value.items():
            filtered = self._apply(inner, (*path, name), rule, counts)
            if filtered is not _DROPPED:
                shown = name if rule == "keep" else self._redactor.redact(name).value
                made[shown] = filtered
        return made

    def _rule(self, path: Path) -> Rule | None:
        if path in self._rules:
            return self._rules[path]
        for pattern, rule in self._rules.items():
            if len(pattern) == len(path) and _matches(pattern, path):
                return rule
        return None

    def _has_inner_rule(self, path: Path) -> bool:
        return any(
            len(pattern) > len(path) and _matches(pattern[: len(path)], path)
            for pattern in self._rules
        )


def keyed_hash(key: bytes, value: Any) -> str:
    """HMAC-SHA-256 of a JSON value's form; plain hashes of short inputs are guessed."""
    text = canonical(value).encode(errors="surrogatepass")
    return "hmac-sha256:" + hmac.new(key, text, hashlib.sha256).hexdigest()


def _matches(pattern: Path, path: Path) -> bool:
    return all(wanted in ("*", name) for wanted, name in zip(pattern, path, strict=True))
