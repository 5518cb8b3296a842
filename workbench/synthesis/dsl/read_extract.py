"""The `extract` part of a rule document: patterns with named groups, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runtime.yaml_document import Place
from workbench.synthesis.dsl.document import (
    SIMPLE_CASTS,
    Cast,
    DateCast,
    Extract,
    Fixed,
    Group,
    Part,
)
from workbench.synthesis.dsl.json_values import json_value
from workbench.synthesis.dsl.read_conditions import ConditionReader
from workbench.synthesis.dsl.regular_expressions import named_groups

KEYS = ("field", "pattern", "patterns", "output", "value")
HERE: Place = ("extract",)
_ROUND_TRIP = datetime(2003, 2, 1, 16, 5, 6)


def read_extract(reader: ConditionReader, data: Mapping[Any, Any]) -> Extract:
    """Raises InvalidInputError naming the field that is wrong."""
    document = reader.document
    for key in data:
        if key not in KEYS:
            document.fail("there is no such key.", (*HERE, str(key)), f"Known: {', '.join(KEYS)}.")
    if "field" not in data:
        document.fail("field is missing.", HERE, "Say which field the pattern reads.")
    path = reader.read_path(data["field"], (*HERE, "field"))
    patterns = _read_patterns(reader, data)
    groups = list(dict.fromkeys(name for pattern in patterns for name in named_groups(pattern)))
    if not groups:
        document.fail("the pattern names no group.", HERE, "Name what to take: (?P<name>...).")
    if "output" in data and "value" in data:
        document.fail("has both output and value.", HERE, "Keep output for an object, else value.")
    if "value" in data:
        part = _read_part(reader, data["value"], (*HERE, "value"), groups)
        if isinstance(part, Fixed):
            document.fail("must name a group.", (*HERE, "value"))
        return Extract(path, patterns, value=part)
    if "output" not in data:
        return Extract(path, patterns, tuple((name, Group(name)) for name in groups))
    if not isinstance(data["output"], Mapping) or not data["output"]:
        document.fail("must be a mapping of output fields to groups.", (*HERE, "output"))
    output = []
    for key, value in data["output"].items():
        place = (*HERE, "output", str(key))
        if not isinstance(key, str):
            document.fail(f"the key {key!r} is not text.", place, "Put it in quotes.")
        json_value(document, key, place)
        output.append((key, _read_part(reader, value, place, groups)))
    return Extract(path, patterns, tuple(output))


def _read_patterns(reader: ConditionReader, data: Mapping[Any, Any]) -> tuple[str, ...]:
    if ("pattern" in data) == ("patterns" in data):
        reader.document.fail("must have pattern, or patterns tried in order.", HERE)
    if "pattern" in data:
        return (reader.read_pattern(data["pattern"], (*HERE, "pattern")),)
    place, found = (*HERE, "patterns"), data["patterns"]
    if not isinstance(found, list) or not found:
        reader.document.fail("must be a list of patterns.", place)
    return tuple(reader.read_pattern(each, (*place, number)) for number, each in enumerate(found))


def _read_part(reader: ConditionReader, data: Any, place: Place, groups: list[str]) -> Part:
    """A group's name, or {group, as}, or {value}."""
    document = reader.document
    if isinstance(data, str):
        data = {"group": data}
    if not isinstance(data, Mapping):
        document.fail("must name a group of the pattern.", place)
    if "value" in data:
        for key in data:
            if key != "value":
                document.fail("does not go with value.", (*place, str(key)), "Keep one of them.")
        return Fixed(json_value(document, data["value"], (*place, "value")))
    for key in data:
        if key not in ("group", "as"):
            document.fail("there is no such key.", (*place, str(key)), "Known: group, as, value.")
    name = data.get("group")
    if name not in groups:
        document.fail(
            f"no pattern has a group {name!r}.", (*place, "group"), f"Groups: {', '.join(groups)}."
        )
    casts = data.get("as", [])
    many = isinstance(casts, list)
    read = tuple(
        _read_cast(reader, cast, (*place, "as", number) if many else (*place, "as"))
        for number, cast in enumerate(casts if many else [casts])
    )
    if any(isinstance(cast, DateCast) or cast in ("int", "number") for cast in read[:-1]):
        document.fail("int, number and date come last.", (*place, "as"), "Change the order.")
    return Group(name, read)


def _read_cast(reader: ConditionReader, data: Any, place: Place) -> Cast:
    document = reader.document
    if isinstance(data, str):
        for known in SIMPLE_CASTS:
            if data == known:
                return known
    if isinstance(data, Mapping) and list(data) == ["date"]:
        formats = data["date"] if isinstance(data["date"], list) else [data["date"]]
        if not formats:
            document.fail("must name a format.", (*place, "date"), "Such as '%d.%m.%Y'.")
        for number, each in enumerate(formats):
            where = (*place, "date", number) if isinstance(data["date"], list) else (*place, "date")
            if not isinstance(each, str) or not _is_date_format(each):
                remedy = "Such as '%d.%m.%Y': it must hold day, month and year."
                document.fail(f"{each!r} is no date format.", where, remedy)
        return DateCast(tuple(formats))
    return document.fail(
        "is no cast.", place, f"Known: {', '.join(SIMPLE_CASTS)}, or {{date: FORMAT}}."
    )


def _is_date_format(written: str) -> bool:
    """Whether strptime reads with it what strftime wrote, with year, month and day."""
    try:
        found = datetime.strptime(_ROUND_TRIP.strftime(written), written)
    except (ValueError, UnicodeError):
        return False
    return found.date() == _ROUND_TRIP.date()
