"""Layouts of values in texts as regular expressions with named groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import TypeVar

from workbench.synthesis.dsl.document import Cast
from workbench.synthesis.dsl.layouts import END, START, Gap, Layouts

_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_IN_CLASS = re.compile(r"[\\\]^-]")
S = TypeVar("S", str, tuple[str, ...])
_INVISIBLE = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


class PatternWriter:
    """Writes the patterns of one set of layouts; a field's name is its group's name."""

    def __init__(self, layouts: Layouts, casts: Mapping[str, tuple[Cast, ...]]) -> None:
        self.layouts = layouts
        self._casts = casts

    def each_layout(self) -> tuple[str, ...]:
        """One pattern for each order of fields, the fullest first."""
        return tuple(self._sequence(order) for order in self.layouts.orders)

    def together(self) -> str | None:
        """One pattern with optional groups for all orders, where one run of fields is optional."""
        orders = self.layouts.orders
        if len(orders) == 1:
            return self._sequence(orders[0])
        head = _common_start(orders)
        rests = [order[len(head) :] for order in orders]
        tail = _common_start([rest[::-1] for rest in rests])[::-1]
        runs = [rest[: len(rest) - len(tail)] for rest in rests]
        block = self._block((START, *head)[-1], (*tail, END)[0], runs)
        if block is None:
            return None
        before = "".join(
            self._gap((left, right)) + self._group(right)
            for left, right in zip((START, *head), head, strict=False)
        )
        after = "".join(
            self._group(left) + self._gap((left, right))
            for left, right in zip(tail, (*tail, END)[1:], strict=True)
        )
        return before + block + (after or "$")

    def _sequence(self, order: Sequence[str]) -> str:
        written = ""
        for left, right in zip((START, *order), (*order, END), strict=True):
            written += self._gap((left, right)) + (self._group(right) if right != END else "")
        return written

    def _gap(self, gap: Gap) -> str:
        """The pattern of what stands between two fields; ends are anchored where they can be."""
        found = self.layouts.gaps[gap]
        opening, closing = ("^" if gap[0] == START else ""), ("$" if gap[1] == END else "")
        if len(found) == 1:
            return opening + literal(found[0]) + closing
        if all(not text.strip() for text in found):
            return opening + (r"\s+" if all(found) else r"\s*") + closing
        prefix = _common_start(found)
        rests = [text[len(prefix) :][::-1] for text in found]
        suffix = _common_start(rests)[::-1]
        if gap[0] == START:
            return literal(suffix)
        if gap[1] == END:
            return literal(prefix)
        return literal(prefix) + ".*?" + literal(suffix)

    def _group(self, name: str) -> str:
        return f"(?P<{name}>{self._body(name)})"

    def _body(self, name: str) -> str:
        held = self.layouts.values[name]
        if {"int", "number"} & set(self._casts[name]):
            return _number_body(held)
        after = [text for gap, found in self.layouts.gaps.items() if gap[0] == name
                 for text in found]  # fmt: skip
        stops = {text[0] for text in after if text}
        if all(after) and not any(stop in text for stop in stops for text in held):
            if stops == {" "} and not any(re.search(r"\s", text) for text in held):
                return r"\S+"
            return "[^" + "".join(_in_class(stop) for stop in sorted(stops)) + "]+"
        if not any(after):
            return r".+" if any(re.search(r"\s", text) for text in held) else r"\S+"
        return ".+?"

    def _block(self, left: str, right: str, runs: Sequence[tuple[str, ...]]) -> str | None:
        """The optional run of fields between two fields that are always there."""
        names = _merged([run for run in runs if run])
        fixed = {gap: found[0] for gap, found in self.layouts.gaps.items() if len(found) == 1}
        needed = {gap for run in runs for gap in _gaps_of(run, left, right)}
        if names is None or not needed <= fixed.keys():
            return None
        opens = {run[0]: fixed[left, run[0]] for run in runs if run}
        closes = {run[-1]: fixed[run[-1], right] for run in runs if run}
        begin = _until_sign(_common_start(list(opens.values())))
        end = _until_sign(_common_start([text[::-1] for text in closes.values()]))[::-1]
        keys = {name: text[len(begin) :] for name, text in opens.items()}
        units = {name: text[: len(text) - len(end)] for name, text in closes.items()}
        pairs = [pair for run in runs for pair in pairwise(run)]
        glue = _glue(fixed, pairs, keys, units)
        if glue is None or not set(names) <= keys.keys() & units.keys():
            return None
        between = fixed.get((left, right), "") if () in runs else ""
        if not end.endswith(between) and not begin.startswith(between):
            return None
        lead = "" if end.endswith(between) else between
        begin, end = (
            begin[len(lead) :],
            end[: len(end) - len(between)] if not lead else end,
        )
        always = {name for name in names if all(name in run for run in runs if run)}
        body = literal(begin)
        if not always and end:
            body += f"(?!{literal(end)})"
        for number, name in enumerate(names):
            joined = ""
            if number and glue:
                sure = names[number - 1] in always
                joined = literal(glue) if sure else f"(?:{literal(glue)})?"
            item = joined + literal(keys[name]) + self._group(name) + literal(units[name])
            body += item if name in always else f"(?:{item})?"
        body += literal(end)
        optional = f"(?:{body})?" if () in runs else body
        rest = between if not lead else ""
        anchor = "^" if left == START else ""
        return anchor + literal(lead) + optional + literal(rest)


def _common_start(sequences: Sequence[S]) -> S:
    """What all of the texts (or tuples) begin with."""
    alike = takewhile(lambda items: len(set(items)) == 1, zip(*sequences, strict=False))
    return sequences[0][: sum(1 for _ in alike)]


def literal(text: str) -> str:
    """A pattern for this very text, escaped no more than it must be."""
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return "".join(_INVISIBLE.get(sign, sign) for sign in escaped)


def _in_class(sign: str) -> str:
    return _INVISIBLE.get(sign) or _IN_CLASS.sub(lambda found: "\\" + found[0], sign)


def _number_body(held: Iterable[str]) -> str:
    sign = "-?" if any(text.startswith("-") for text in held) else ""
    whole = r"\d[\d,]*" if any("," in text for text in held) else r"\d+"
    return sign + whole + (r"(?:\.\d+)?" if any("." in text for text in held) else "")


def _until_sign(text: str) -> str:
    """The text without a word that is cut off at its end."""
    return re.sub(r"\w+\Z", "", text)


def _gaps_of(run: Sequence[str], left: str, right: str) -> list[Gap]:
    return list(zip((left, *run), (*run, right), strict=True))


def _merged(runs: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """One order that all runs keep to, or None."""
    longest = max(runs, key=len)
    if any(tuple(name for name in longest if name in run) != run for run in runs):
        return None
    return longest


def _glue(
    fixed: Mapping[Gap, str],
    pairs: Sequence[Gap],
    keys: dict[str, str],
    units: dict[str, str],
) -> str | None:
    """What joins two fields of a run; fills in keys and units that only joints tell."""
    glues = {
        fixed[pair].removeprefix(units[pair[0]]).removesuffix(keys[pair[1]])
        for pair in pairs
        if pair[0] in units and pair[1] in keys
    }
    if len(glues) > 1 or (pairs and not glues):
        return None
    glue = glues.pop() if glues else ""
    for left, right in pairs:
        unit, key = units.get(left), keys.get(right)
        if unit is not None and key is None:
            keys[right] = fixed[left, right].removeprefix(unit + glue)
        elif key is not None and unit is None:
            units[left] = fixed[left, right].removesuffix(glue + key)
    told = all(
        pair[0] in units and pair[1] in keys
        and fixed[pair] == units[pair[0]] + glue + keys[pair[1]]
        for pair in pairs
    )  # fmt: skip
    return glue if told else None
