"""How the values stand in their texts: in which order, with what between them.

Each value may occur at several places; the places chosen are those whose surroundings most
examples share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.synthesis.dsl.spans import Source, Span

START, END = "^", "$"  # stand for the text's ends; no group has such a name
MAX_PLACINGS = 40
MAX_PLACES = 4  # of one value in one text, those with the commonest surroundings
CONTEXTS = (1, 2, 3, 5)  # characters
Gap = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where each present field stands in one text, in order."""

    text: str
    places: tuple[tuple[str, Span], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.places)

    def gaps(self) -> Iterator[tuple[Gap, str]]:
        """((field before, field after), the text between them), ends included."""
        before, at = START, 0
        for name, (start, end) in self.places:
            yield (before, name), self.text[at:start]
            before, at = name, end
        yield (before, END), self.text[at:]


@dataclass(frozen=True, slots=True)
class Layouts:
    """The orders of fields met, most fields first; what stood between; what the fields held."""

    orders: tuple[tuple[str, ...], ...]
    gaps: Mapping[Gap, tuple[str, ...]]
    values: Mapping[str, tuple[str, ...]]


def field_orders(texts: Sequence[str], sources: Mapping[str, Source]) -> list[tuple[str, ...]]:
    """The orders worth trying: by each value's likeliest place, its first, its last, as given."""
    likeliest = {name: _likely(texts, source, 1) for name, source in sources.items()}

    def order(places: Mapping[str, Source], which: int) -> tuple[str, ...]:
        def mean_start(name: str) -> float:
            found = [spans[which][0] for spans in places[name].spans if spans]
            return sum(found) / len(found)

        return tuple(sorted(places, key=mean_start))

    orders = [order(likeliest, 0), order(sources, 0), order(sources, -1), tuple(sources)]
    return list(dict.fromkeys(orders))


def find_layouts(
    texts: Sequence[str], sources: Mapping[str, Source], order: Sequence[str]
) -> Layouts | None:
    """None where no text has its values in this order."""
    sources = {name: _likely(texts, source, MAX_PLACES) for name, source in sources.items()}
    choices = [
        list(_placings(text, row, sources, order))[:MAX_PLACINGS] for row, text in enumerate(texts)
    ]
    votes: Counter[tuple[Gap, str, str]] = Counter()
    for options in choices:
        # An example with a single reading says most.
        for mark, share in _shares(options).items():
            votes[mark] += share
    chosen = [
        max(options, key=lambda option: sum(votes[mark] for mark in _marks(option)))
        for options in choices
        if options
    ]
    if not chosen:
        return None
    gaps: dict[Gap, dict[str, None]] = {}
    values: dict[str, dict[str, None]] = {}
    for placing in chosen:
        for gap, between in placing.gaps():
            gaps.setdefault(gap, {})[between] = None
        for name, (start, end) in placing.places:
            values.setdefault(name, {})[placing.text[start:end]] = None
    counted = Counter(placing.names for placing in chosen)
    orders = sorted(counted, key=lambda names: (-len(names), -counted[names], names))
    return Layouts(
        tuple(orders),
        {gap: tuple(found) for gap, found in gaps.items()},
        {name: tuple(found) for name, found in values.items()},
    )


def _likely(texts: Sequence[str], source: Source, most: int) -> Source:
    """The source with only those places whose surroundings most examples share, likeliest first."""
    if all(len(spans) <= 1 for spans in source.spans):
        return source
    votes: Counter[tuple[str, str]] = Counter()
    for text, spans in zip(texts, source.spans, strict=True):
        votes.update({mark for span in spans for mark in _surroundings(text, span)})
    kept = []
    for text, spans in zip(texts, source.spans, strict=True):
        worth = {span: sum(votes[mark] for mark in _surroundings(text, span)) for span in spans}
        ranked = sorted((-worth[span], span) for span in spans)[:most]
        kept.append(tuple(span for _, span in ranked))
    return Source(source.casts, tuple(kept))


def _surroundings(text: str, span: Span) -> Iterator[tuple[str, str]]:
    start, end = span
    for length in CONTEXTS:
        yield "before", text[max(0, start - length) : start]
        yield "after", text[end : end + length]


def _placings(
    text: str, row: int, sources: Mapping[str, Source], order: Sequence[str]
) -> Iterator[Placing]:
    """Every way to place the fields in order without overlap; no branch is a dead end."""
    present = [name for name in order if sources[name].spans[row]]
    # How far each field may reach and still leave room for those after it.
    reach = [len(text)] * (len(present) + 1)
    for number in reversed(range(len(present))):
        spans = sources[present[number]].spans[row]
        starts = [start for start, end in spans if end <= reach[number + 1]]
        if not starts:
            return iter(())
        reach[number] = max(starts)

    def place(number: int, at: int, places: tuple[tuple[str, Span], ...]) -> Iterator[Placing]:
        if number == len(present):
            yield Placing(text, places)
            return
        name = present[number]
        for start, end in sources[name].spans[row]:
            if start >= at and end <= reach[number + 1]:
                yield from place(number + 1, end, (*places, (name, (start, end))))

    return place(0, 0, ())


def _shares(options: Sequence[Placing]) -> dict[tuple[Gap, str, str], int]:
    found: Counter[tuple[Gap, str, str]] = Counter()
    for option in options:
        found.update(_marks(option))
    return {mark: 60 * count // len(options) for mark, count in found.items()}


def _marks(placing: Placing) -> Iterator[tuple[Gap, str, str]]:
    """What tells one place from another: the whole gap, and its beginnings and endings."""
    for gap, between in placing.gaps():
        yield gap, "whole", between
        for length in CONTEXTS:
            yield gap, "begin", between[:length]
            yield gap, "end", between[-length:]
