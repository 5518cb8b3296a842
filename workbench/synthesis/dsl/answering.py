"""What a rule document answers, told by its meaning; compiled programs must agree with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.synthesis.dsl.casts import apply_cast
from workbench.synthesis.dsl.document import Extract, Group, Lookup, Part, RulesDocument
from workbench.synthesis.rule.conditions import Reading, compiled
from workbench.synthesis.rule.structures import Answer, DecisionList, answer

CERTAIN = 1.0


def answer_document(document: RulesDocument, data: Mapping[str, Any]) -> Answer | None:
    """(output, confidence) for an input, or None where no part answers it."""
    found = answer(DecisionList(document.rules, None), data)
    if found is None and document.lookup is not None:
        found = look_up(document.lookup, data)
    if found is None and document.extract is not None:
        found = extract(document.extract, data)
    if found is None and document.score is not None:
        found = answer(document.score, data)
    if found is None and document.default is not None:
        found = (document.default.label, document.default.confidence)
    return found


def look_up(lookup: Lookup, data: Mapping[str, Any]) -> Answer | None:
    """The table's answer, or None for a text that it lacks or has null for."""
    text = Reading(data).text(lookup.path).strip()
    rows = dict(lookup.table)
    key = text.lower() if lookup.ignore_case else text
    value = rows.get(key)
    return None if value is None else (value, CERTAIN)


def extract(part: Extract, data: Mapping[str, Any]) -> Answer | None:
    """What the first pattern that is found takes out, or None."""
    text = Reading(data).text(part.path)
    for pattern in part.patterns:
        if found := compiled(pattern).search(text):
            groups = found.groupdict()
            if part.value is not None:
                value = _value(part.value, groups)
                return None if value is None else (value, CERTAIN)
            return {key: _value(piece, groups) for key, piece in part.output}, CERTAIN
    return None


def _value(part: Part, groups: Mapping[str, str | None]) -> Any:
    if not isinstance(part, Group):
        return part.value
    value: Any = groups.get(part.name)
    for cast in part.casts:
        value = apply_cast(cast, value)
    return value
