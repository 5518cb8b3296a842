"""Finds regular expressions that pick a wanted piece out of a text by its shape and neighbours."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from workbench.synthesis.by_example.clues import Clues, common_prefix
from workbench.synthesis.by_example.code import X, escape, regex
from workbench.synthesis.by_example.expression import Kind, Operation, operation

TEXT = Kind.TEXT
_runs = re.compile(r"\d+|[^\W\d_]+|\s+|[\W_]")
_range = re.compile(r"\{\d+,\d+\}")
_sign = re.compile(r"[#$€£№]$")
_letter_class = re.compile(r"\[A-Z|\[a-z|\[\^\\W")
_word = re.compile(r"[^\W_](?:\S*[^\W_])?")
_last_word = re.compile(r"[^\W_]+[\W_]*$|[\W_]+$")
_key = re.compile(r"""["']?[^\W\d_][\w.-]*["']?\s*[=:]\s*["']?$|<[^\W\d_][\w.:-]*>$""")
KEY_COST = -1.6  # what names a value is the best of reasons to look there
SIGN_COST = -1.2
MAX_CONTEXT = 24
MAX_WORDS = 8
_letters_only = re.compile(r"[^\W\d_]+")
MAX_PATTERNS = 400


def pattern_operations(texts: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Searches whose match, or group, is a piece of the output in every example that has one."""
    made: dict[str, None] = {}
    yield from _vocabulary(texts, clues)
    for piece in clues.pieces:
        for last in (False, True):
            places = _places(texts, piece, last=last)
            if places is None:
                break
            for step in _around(texts, piece, places):
                if step.code not in made:
                    made[step.code] = None
                    yield step
            if len(made) > MAX_PATTERNS:
                return


def repeated_operations(texts: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Finding everything that has the shape which all the words of all outputs have."""
    words: dict[str, None] = {}
    for output in clues.present:
        words.update(dict.fromkeys(found[0] for found in _word.finditer(output)))
    if len(words) <= len(clues.present) or len(words) > 60:
        return
    for shape, cost in piece_shapes(tuple(words)):
        if shape.startswith(".") or shape in (r"\S+", r"\w+"):
            continue
        if all(re.search(shape, text) for text in texts if text):
            code = f"{regex('PATTERN', shape)}.findall({X})"
            yield operation(code, TEXT, Kind.WORDS, 3.0 + cost, "found")


def _places(texts: Sequence[str], piece: Sequence[str | None], *, last: bool) -> list[int] | None:
    places = []
    for text, part in zip(texts, piece, strict=True):
        if part is None:
            places.append(-1)
            continue
        place = text.rfind(part) if last else text.find(part)
        if place < 0 or not part:
            return None
        places.append(place)
    return places


def _around(
    texts: Sequence[str], piece: Sequence[str | None], places: Sequence[int]
) -> Iterator[Operation]:
    rows = [
        (text[:place], part, text[place + len(part) :])
        for text, part, place in zip(texts, piece, places, strict=True)
        if part is not None
    ]
    parts = [part for _, part, _ in rows]
    left = common_prefix([before[::-1] for before, _, _ in rows])[:MAX_CONTEXT][::-1]
    right = common_prefix([after for _, _, after in rows])[:MAX_CONTEXT]
    lefts = [("", 0.0)]
    if all(not before for before, _, _ in rows):
        lefts.append(("^", 0.8))
    for anchor in dict.fromkeys((left[-1:], _match(_last_word, left), left)):
        if anchor:
            lefts.append((escape(anchor), 1.0 + 0.25 * len(anchor)))
    key = _key_before([before for before, _, _ in rows], left)
    if key:  # once more, at the lower cost, which is met first
        lefts.insert(0, (key, KEY_COST))
    elif _sign.search(left):
        lefts.insert(0, (escape(left[-1]), SIGN_COST))
    rights = [("", 0.0)]
    if all(not after for _, _, after in rows):
        rights.append(("$", 0.8))
    for anchor in dict.fromkeys((right[:1], right[:6])):
        if anchor:
            rights.append((escape(anchor), 1.0 + 0.25 * len(anchor)))
    shapes = list(piece_shapes(tuple(parts)))
    stop = right[:1] if right and all(right[0] not in part for part in parts) else ""
    if stop:
        shapes.append((f"[^{_in_class(stop)}]*", 0.3 if stop in "\"'<)]}" else 0.8))
    for (before, one), (after, two), (shape, three) in itertools.product(lefts, rights, shapes):
        if before in ("", "^") and after in ("", "$") and shape in (".*", ".*?", r"\S+"):
            continue
        if shape.endswith("?") and not after:
            continue
        cost = 4.0 + one + two + three + (1.0 if after and not before else 0.0)
        if not before and not after and _is_distinctive(shape, [a + p + z for a, p, z in rows]):
            cost -= 1.6
        if (before and before != "^") or (after and after != "$"):
            pattern, which = f"{before}({shape}){after}", 1
        else:
            pattern, which = f"{before}{shape}{after}", 0
        code = f"{regex('PATTERN', pattern)}.search({X})[{which}]"
        yield operation(code, TEXT, TEXT, cost, "found")
        if not which and not before and not after:
            bounded = rf"\b{shape}\b"
            code = f"{regex('PATTERN', bounded)}.search({X})[0]"
            yield operation(code, TEXT, TEXT, cost + 0.6, "found")
            code = f"{regex('PATTERN', shape)}.findall({X})[-1]"
            yield operation(code, TEXT, TEXT, cost + 0.4, "found")


@lru_cache(maxsize=2000)
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(shape)


def _is_distinctive(shape: str, texts: Sequence[str]) -> bool:
    """Whether the shape mixes letters, digits or marks, and each text has it but once."""
    if " " in shape or r"\s" in shape:
        return False
    bare = re.sub(r"\[[^\]]*\]", "", shape)
    marks = re.sub(r"\\[dw]|[+*?]|\{[\d,]*\}", "", bare)
    letters = r"\w" in bare or bool(_letter_class.search(shape))
    mixed = bool(marks) + (r"\d" in bare) + letters
    return mixed > 1 and all(len(_compiled(shape).findall(text)) == 1 for text in texts)


def _vocabulary(texts: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """One of the few words that the outputs are, wherever in the text it stands."""
    words = sorted(set(clues.present))
    if not 2 <= len(words) <= MAX_WORDS or not all(word.isalpha() for word in words):
        return
    places: set[int] = set()
    ends: set[int] = set()
    for text, output in zip(texts, clues.outputs, strict=True):
        if output is not None:
            found = _letters_only.findall(text)
            if output not in found:
                return
            places.add(found.index(output))
            ends.add(found.index(output) - len(found))
    if len(places) > 1 and len(ends) > 1:
        pattern = rf"\b(?:{'|'.join(words)})\b"
        cost = 4.0 + 0.35 * sum(map(len, words))
        code = f"{regex('PATTERN', pattern)}.search({X})[0]"
        yield operation(code, TEXT, TEXT, cost, "found")


def _key_before(befores: Sequence[str], left: str) -> str:
    """A name with its sign, such as `id=` or `"name": "`, right before every piece."""
    found = _key.search(left)
    if found is None:
        return ""
    key = found[0]
    for before in befores:
        ahead = before[: len(before) - len(key)]
        if key[0].isalnum() and ahead and (ahead[-1].isalnum() or ahead[-1] == "_"):
            return ""
    return ("\\b" if key[0].isalnum() else "") + escape(key)


def _match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def _in_class(mark: str) -> str:
    return "\\" + mark if mark in r"\]^-[" else mark


@lru_cache(maxsize=2000)
def piece_shapes(parts: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Regular expressions for what these texts look like, general and exact, with bits."""
    shapes: dict[str, float] = {}
    rows = [_runs.findall(part) for part in parts]
    if len({len(row) for row in rows}) == 1 and len(rows[0]) <= 9:
        for exact, specific, cost in ((False, None, 0.5), (False, True, 0.5), (True, True, 0.9),
                                      (False, False, 0.7)):  # fmt: skip
            shape = ""
            for column in zip(*rows, strict=True):
                run = _run_shape(column, exact=exact, specific=specific)
                if run is None:
                    break
                shape += run
            else:
                letters = 0.5 * shape.count("[a-z]+") + 0.3 * shape.count("[A-Z]+")
                ranges = 1.5 * len(_range.findall(shape))  # widths that vary bind little
                shapes.setdefault(shape, cost * len(rows[0]) + letters + ranges)
    joined = "".join(parts)
    if not any(mark.isspace() for mark in joined):
        if re.fullmatch(r"\w+", joined):
            shapes.setdefault(r"\w+", 0.6)
        if re.fullmatch(r"[\w.]+", joined):
            shapes.setdefault(r"[\w.]+", 1.0)
        if re.fullmatch(r"[\w-]+", joined):
            shapes.setdefault(r"[\w-]+", 1.0)
        if re.fullmatch(r"[\d.,]+", joined):
            shapes.setdefault(r"[\d.,]+", 1.0)
        shapes.setdefault(r"\S+", 0.8)
    if "\n" not in joined:
        shapes.setdefault(".*", 1.0)
        shapes.setdefault(".*?", 1.0)
    return tuple(shapes.items())


def _run_shape(column: Sequence[str], *, exact: bool, specific: bool | None) -> str | None:
    """The shape of one run; `specific` says whether letters are of one case, or may be digits."""
    lengths = {len(run) for run in column}
    if all(run.isdigit() for run in column):
        letter = r"\d"
    elif all(run.isalpha() for run in column):
        letter = _letters(column) if specific else r"\w" if specific is None else r"[^\W\d_]"
    elif all(run.isspace() for run in column):
        return escape(column[0]) if len(set(column)) == 1 else r"\s+"
    elif len(set(column)) == 1:
        return escape(column[0])
    elif all(not run.isalnum() for run in column) and len(set(column)) <= 3:
        return "[" + "".join(_in_class(mark) for mark in sorted(set(column))) + "]"
    else:
        return None
    if not exact:
        return letter + "+"
    if len(lengths) > 1:
        if letter == "[A-Z][a-z]":
            return letter + "+"
        return f"{letter}{{{min(lengths)},{max(lengths)}}}" if max(lengths) <= 4 else letter + "+"
    width = lengths.pop()
    if letter == "[A-Z][a-z]":
        return letter + "+"
    return letter if width == 1 else f"{letter}{{{width}}}"


def _letters(column: Sequence[str]) -> str:
    if not all(run.isascii() for run in column):
        return r"[^\W\d_]"
    if all(run.isupper() for run in column):
        return "[A-Z]"
    if all(run.islower() for run in column):
        return "[a-z]"
    if all(run[0].isupper() and run[1:].islower() for run in column):
        return "[A-Z][a-z]"
    return "[A-Za-z]"
