"""Extractions and lookups found from examples; each is tried on all of them before it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import Example
from runtime.validation.exact import matches
from workbench.synthesis.dsl.answering import answer_document
from workbench.synthesis.dsl.document import (
    DateCast,
    Extract,
    Fixed,
    Group,
    Lookup,
    Part,
    RulesDocument,
)
from workbench.synthesis.dsl.layouts import field_orders, find_layouts
from workbench.synthesis.dsl.pattern_induction import PatternWriter
from workbench.synthesis.dsl.regular_expressions import pattern_fault
from workbench.synthesis.dsl.spans import Source, find_source
from workbench.synthesis.kinds import FieldKind, InputField, class_label, value_at
from workbench.synthesis.rule.conditions import as_text
from workbench.synthesis.rule.python_source import Names, identifier

LEAST_RIGHT = 0.9
MAX_ROWS = 2_000  # of a lookup's table
MAX_STUDIED = 300  # examples that patterns are made from; all of them judge the patterns
VALUE = "value"


class NothingFoundError(Exception):
    """No document of this kind fits; the message says why, in words."""


@dataclass(frozen=True, slots=True)
class Found:
    """An induced document, the share of training examples it answers rightly, and its name."""

    document: RulesDocument
    right: float
    title: str


def induce_object(examples: Sequence[Example], fields: Sequence[InputField]) -> list[Found]:
    """Documents that take an object out of one text, best first.

    Raises NothingFoundError.
    """
    keys = list(examples[0].output)
    if any(list(each.output) != keys and set(each.output) != set(keys) for each in examples):
        raise NothingFoundError("the examples' outputs do not all have the same fields")
    columns = {key: [each.output[key] for each in examples] for key in keys}
    return _induce(examples, fields, columns, single=False)


def induce_value(examples: Sequence[Example], fields: Sequence[InputField]) -> list[Found]:
    """Documents that take one value out of one text, or look it up. Raises NothingFoundError."""
    values = [each.output for each in examples]
    found: list[Found] = list(_lookups(examples, fields))
    reason = "no lookup fits"
    if any(value is not None for value in values):
        try:
            found.extend(_induce(examples, fields, {VALUE: values}, single=True))
        except NothingFoundError as error:
            reason = str(error)
    if not found:
        raise NothingFoundError(reason)
    return sorted(found, key=lambda each: -each.right)


def _induce(
    examples: Sequence[Example],
    fields: Sequence[InputField],
    columns: Mapping[str, Sequence[Any]],
    *,
    single: bool,
) -> list[Found]:
    texts_of = [field for field in fields if field.kind in (FieldKind.TEXT, FieldKind.CATEGORY)]
    if not texts_of:
        raise NothingFoundError("no input field holds text")
    reasons: list[str] = []
    found: list[Found] = []
    columns = {key: values[:MAX_STUDIED] for key, values in columns.items()}
    for field in texts_of:
        texts = [as_text(value_at(each.input, field.path)) for each in examples[:MAX_STUDIED]]
        try:
            sources, fixed = _sources(texts, columns, field.name)
        except NothingFoundError as error:
            reasons.append(str(error))
            continue
        for extract in _extracts(texts, sources, fixed, columns, field, single=single):
            document = RulesDocument(extract=extract)
            right = share_right(document, examples)
            if right >= LEAST_RIGHT:
                found.append(Found(document, right, _title(extract, field)))
        reasons.append(f"no pattern takes the values out of {field.name!r} reliably")
    if not found:
        raise NothingFoundError(reasons[0])
    best = sorted(found, key=lambda each: (-each.right, len(each.document.extract.patterns)))  # type: ignore[union-attr]
    kept: dict[RulesDocument, Found] = {}
    for each in best:
        if all(other.document != each.document for other in kept.values()):
            kept[each.document] = each
    return list(kept.values())[:2]


def _sources(
    texts: Sequence[str], columns: Mapping[str, Sequence[Any]], field: str
) -> tuple[dict[str, Source], dict[str, Fixed]]:
    """Where each output field comes from: the text, or the same value always."""
    sources: dict[str, Source] = {}
    fixed: dict[str, Fixed] = {}
    for key, values in columns.items():
        source = find_source(texts, values) if any(v is not None for v in values) else None
        if source is not None:
            sources[key] = source
        elif len({class_label(value) for value in values}) == 1:
            fixed[key] = Fixed(values[0])
        else:
            what = "the output" if key == VALUE and len(columns) == 1 else f"the output's {key!r}"
            raise NothingFoundError(
                f"{what} does not stand in {field!r} as it is, in every example"
            )
    if not sources:
        raise NothingFoundError("every example has the same output")
    return sources, fixed


def _extracts(
    texts: Sequence[str],
    sources: Mapping[str, Source],
    fixed: Mapping[str, Fixed],
    columns: Mapping[str, Sequence[Any]],
    field: InputField,
    *,
    single: bool,
) -> Iterator[Extract]:
    names = Names()
    group_of = {key: names.give(identifier(key, "value")) for key in sources}
    grouped = {group_of[key]: source for key, source in sources.items()}
    parts: dict[str, Part] = {
        key: Group(group_of[key], sources[key].casts) if key in sources else fixed[key]
        for key in columns
    }
    for order in field_orders(texts, grouped):
        layouts = find_layouts(texts, grouped, order)
        if layouts is None:
            continue
        writer = PatternWriter(layouts, {name: source.casts for name, source in grouped.items()})
        together = writer.together()
        for patterns in ((together,) if together else (), writer.each_layout()):
            if not patterns or any(pattern_fault(pattern) for pattern in patterns):
                continue
            if single:
                value = parts[VALUE]
                assert isinstance(value, Group)
                yield Extract(field.path, patterns, value=value)
            else:
                yield Extract(field.path, patterns, tuple(parts.items()))


def _lookups(examples: Sequence[Example], fields: Sequence[InputField]) -> Iterator[Found]:
    """Tables of one field's texts, where texts repeat and each always has the same output."""
    for field in fields:
        if field.kind not in (FieldKind.TEXT, FieldKind.CATEGORY):
            continue
        texts = [as_text(value_at(each.input, field.path)).strip() for each in examples]
        for ignore_case in (False, True):
            keys = [text.lower() if ignore_case else text for text in texts]
            rows: dict[str, Any] = {}
            agree = all(
                class_label(rows.setdefault(key, each.output)) == class_label(each.output)
                for key, each in zip(keys, examples, strict=True)
            )
            known = all(value is not None for value in rows.values())
            if agree and known and 1 < len(rows) <= min(MAX_ROWS, len(examples) // 2):
                table = tuple(sorted(rows.items()))
                document = RulesDocument(lookup=Lookup(field.path, table, ignore_case))
                yield Found(document, share_right(document, examples), f"lookup of {field.name}")
                break


def share_right(document: RulesDocument, examples: Sequence[Example]) -> float:
    """The share of examples that a document answers rightly."""
    right = 0
    for each in examples:
        found = answer_document(document, each.input)
        output = found[0] if found else None
        right += matches(each.output, output)
    return right / len(examples)


def _title(extract: Extract, field: InputField) -> str:
    many = len(extract.patterns)
    what = "one pattern" if many == 1 else f"{many} patterns"
    dates = extract.value is not None and any(
        isinstance(cast, DateCast) for cast in extract.value.casts
    )
    return f"{what} on {field.name}" + (", read as a date" if dates else "")
