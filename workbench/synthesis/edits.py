"""Small edits of an input that a person or a sensor might make: letters, spaces, marks, numbers.

Pure and seeded: the same input, kind and chance give the same edit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]
MARKS = ".,;:!?"
PART = 0.01


def change_case(text: str, chance: random.Random) -> str:
    """All in capitals, or all in small letters where it is in capitals already."""
    return text.lower() if text.upper() == text else text.upper()


def change_spaces(text: str, chance: random.Random) -> str:
    """A space more inside, or at the end where there is none inside."""
    places = [place for place, letter in enumerate(text) if letter == " "]
    place = chance.choice(places) if places else len(text)
    return f"{text[:place]} {text[place:]}"


def change_marks(text: str, chance: random.Random) -> str:
    """Without its last mark, or with a full stop where it has none."""
    body = text.rstrip()
    if body and body[-1] in MARKS:
        return body[:-1] + text[len(body) :]
    return body + "." + text[len(body) :]


def make_typo(text: str, chance: random.Random) -> str:
    """Two letters beside each other swapped, inside a word of four letters or more."""
    places = [
        place
        for place in range(1, len(text) - 2)
        if text[place - 1 : place + 3].isalpha() and text[place] != text[place + 1]
    ]
    if not places:
        return text
    place = chance.choice(places)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def change_number(value: float, chance: random.Random) -> float:
    """One per cent more or less; whole numbers stay whole, and small ones as they are."""
    sign = chance.choice((-1, 1))
    if isinstance(value, int):
        return value + sign * round(abs(value) * PART)
    return float(f"{value * (1 + sign * PART):.12g}")


TEXT_EDITS: dict[str, Callable[[str, random.Random], str]] = {
    "capitals": change_case,
    "white space": change_spaces,
    "punctuation": change_marks,
    "a typo": make_typo,
}
NUMBER_EDIT = "numbers ±1 %"
KINDS = (*TEXT_EDITS, NUMBER_EDIT)


def edit(data: Any, kind: str, chance: random.Random, texts: set[Path] | None = None) -> Any:
    """A copy of `data` with this kind of edit at every value it fits.

    `texts` are the places whose strings are text; other strings (categories) stay. None for all.
    """
    return _edit(data, kind, chance, texts, ())


def _edit(
    value: Any, kind: str, chance: random.Random, texts: set[Path] | None, place: Path
) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _edit(inner, kind, chance, texts, (*place, key)) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_edit(inner, kind, chance, texts, place) for inner in value]
    if isinstance(value, str) and kind in TEXT_EDITS and (texts is None or place in texts):
        return TEXT_EDITS[kind](value, chance)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return change_number(value, chance) if is_number and kind == NUMBER_EDIT else value


def leaves(value: Any, place: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place inside a JSON value that holds neither object nor list, with what it holds."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*place, number))
    else:
        yield place, value


def with_value(data: Any, place: Path, value: Any) -> Any:
    """A copy of `data` that holds `value` at `place`."""
    if not place:
        return value
    key, *rest = place
    if isinstance(data, Mapping):
        return {**data, key: with_value(data[str(key)], tuple(rest), value)}
    copy = list(data)
    copy[int(key)] = with_value(copy[int(key)], tuple(rest), value)
    return copy
