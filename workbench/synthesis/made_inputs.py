"""Inputs made by machine to try a program on: from the input schema, and examples changed.

Seeded; what is made is valid by the schema. Nothing is learned from them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.schema_check import SchemaCheck
from runtime.strict_json import canonical
from workbench.synthesis.edits import KINDS, change_number, edit, leaves, with_value

# Tries for each input wanted: what breaks the schema or is there already is thrown away.
TRIES = 12
MAX_DEPTH = 6
MAX_TEXT = 400
OPTIONAL = 0.6
ODD_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "a",
    "A b",
    "null",
    "\n",
    "\t x",
    "é",
    "ß",
    "İi",
    "你好",
    "שלום",
    "مرحبا",
    "😀",
    "e\u0301",
    "\u00a0",
    "'",
    '"',
    "\\",
    "<b>",
    "%s",
    "1,234.5",
    "2024-02-29",
    "a@b.c",
)
ODD_NUMBERS = (0, 1, -1, 2, 10, 99, 100, 1000, -100, 10**6, 10**9)


def make_inputs(
    schema: Mapping[str, Any], inputs: Sequence[Any], count: int, seed: int
) -> list[Any]:
    """Up to `count` different valid inputs, none of them among `inputs`.

    Half are `inputs` changed in one place, half are made from `schema` alone (with texts
    borrowed from `inputs`, which say better than a schema what texts are like).
    """
    chance = random.Random(f"{seed} made inputs")  # noqa: S311 - a sample, not a secret
    is_valid = SchemaCheck(dict(schema), "input_schema").is_valid
    texts = _texts_of(inputs)
    seen = {canonical(data) for data in inputs}
    made: list[Any] = []
    for turn in range(count * TRIES):
        if len(made) == count:
            break
        if inputs and turn % 2 == 0:
            data = _mutate(chance.choice(inputs), schema, texts, chance)
        else:
            data = _make(schema, schema, texts, chance, 0)
        if not isinstance(data, dict):
            continue
        key = canonical(data)
        if key not in seen and is_valid(data):
            seen.add(key)
            made.append(data)
    return made


def _texts_of(inputs: Sequence[Any]) -> list[str]:
    found = {value for data in inputs for _, value in leaves(data) if isinstance(value, str)}
    return sorted(found)


def _mutate(data: Any, schema: Mapping[str, Any], texts: list[str], chance: random.Random) -> Any:
    places = list(leaves(data))
    if not places:
        return data
    place, value = chance.choice(places)
    way = chance.randrange(4)
    if way == 0:
        return edit(data, chance.choice(KINDS), chance)
    if way == 1 and len(place) == 1:
        return {key: inner for key, inner in data.items() if key != place[0]}
    if isinstance(value, str):
        return with_value(data, place, _other_text(value, texts, chance))
    if isinstance(value, bool):
        return with_value(data, place, not value)
    if isinstance(value, int | float):
        odd = chance.choice(ODD_NUMBERS)
        return with_value(
            data, place, chance.choice((odd, -value, value * 10, change_number(value, chance)))
        )
    return with_value(data, place, None)


def _other_text(text: str, texts: list[str], chance: random.Random) -> str:
    way = chance.randrange(5)
    if way == 0:
        return chance.choice(ODD_TEXTS)
    if way == 1 and texts:
        return chance.choice(texts)
    if way == 2:
        return text[: chance.randrange(len(text) + 1)]
    if way == 3:
        place = chance.randrange(len(text) + 1)
        return text[:place] + chance.choice(ODD_TEXTS) + text[place:]
    words = text.split(" ")
    chance.shuffle(words)
    return " ".join(words)


def _make(
    schema: Any, root: Mapping[str, Any], texts: list[str], chance: random.Random, depth: int
) -> Any:
    """A value that a schema probably allows; the caller checks."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return chance.choice(ODD_TEXTS)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return chance.choice(schema["enum"])
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            rest = {name: value for name, value in schema.items() if name != key}
            chosen = {**rest, **chance.choice(schema[key])}
            return _make(chosen, root, texts, chance, depth + 1)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _make(_resolve(reference, root), root, texts, chance, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = chance.choice(kind)
    if kind == "object":
        return _make_object(schema, root, texts, chance, depth)
    if kind == "array":
        least = int(schema.get("minItems", 0))
        size = chance.randint(least, min(int(schema.get("maxItems", least + 4)), least + 4))
        items = schema.get("items", {})
        return [_make(items, root, texts, chance, depth + 1) for _ in range(size)]
    if kind in ("number", "integer"):
        return _make_number(schema, kind, chance)
    if kind == "boolean":
        return chance.random() < 0.5
    return None if kind == "null" else _make_text(schema, texts, chance)


def _make_object(
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    texts: list[str],
    chance: random.Random,
    depth: int,
) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    return {
        name: _make(inner, root, texts, chance, depth + 1)
        for name, inner in schema.get("properties", {}).items()
        if name in required or chance.random() < OPTIONAL
    }


def _make_number(schema: Mapping[str, Any], kind: str, chance: random.Random) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = -1000 if low is None and high is None else high - 1000 if low is None else low
    high = low + 2000 if high is None else high
    step = schema.get("multipleOf")
    way = chance.randrange(3)
    value: float = (
        chance.choice((low, high, *ODD_NUMBERS)) if way == 0 else chance.uniform(low, high)
    )
    if step:
        value = round(value / step) * step
    return round(value) if kind == "integer" else round(value, chance.choice((0, 1, 2, 6)))


def _make_text(schema: Mapping[str, Any], texts: list[str], chance: random.Random) -> str:
    own = [str(value) for value in schema.get("examples", ())]
    words = [*own, *texts] or list(ODD_TEXTS)
    way = chance.randrange(4)
    if way == 0:
        text = chance.choice(ODD_TEXTS)
    elif way == 1:
        text = " ".join(chance.choice(words)[:80] for _ in range(chance.randint(1, 4)))
    else:
        text = _other_text(chance.choice(words), texts, chance)
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", MAX_TEXT))
    return (text + "x" * (least - len(text)))[:most]


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found
