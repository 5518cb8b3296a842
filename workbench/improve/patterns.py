"""What failures have in common that successes have not, in words and counts. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import hypergeom

from workbench.synthesis.kinds import class_label

MOST_PATTERNS = 6
#: A pattern is named when chance alone would make it at most this likely.
MOST_LIKELY_BY_CHANCE = 0.01
LEAST_FAILURES = 2
MOST_TOKENS = 300
MOST_DISTINCT = 20
LENGTHS = (20, 50, 100, 200, 500, 1000, 2000, 5000)
LOW_CONFIDENCE = (0.5, 0.7, 0.9)
TOKEN = re.compile(r"\w{2,}")


@dataclass(frozen=True, slots=True)
class Seen:
    """One judged execution: `output` is None where there was no answer (`status` says why)."""

    input: Mapping[str, Any]
    expected: Any
    output: Any
    status: str = "success"
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """`words` is a predicate, such as `have "refund" in text`; `chance` is how likely so many
    failures would have it if failing had nothing to do with it (hypergeometric)."""

    words: str
    failures: int
    of_failures: int
    successes: int
    of_successes: int
    chance: float

    def __str__(self) -> str:
        return (
            f"{self.failures} of {self.of_failures} failures {self.words}; "
            f"{self.successes} of {self.of_successes} successes do"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "pattern": self.words,
            "failures": self.failures,
            "of_failures": self.of_failures,
            "successes": self.successes,
            "of_successes": self.of_successes,
            "chance": self.chance,
        }


def find_patterns(failures: Sequence[Seen], successes: Sequence[Seen]) -> list[Pattern]:
    """The few patterns that tell failures from successes best, each for failures that the ones
    before do not cover. Empty where nothing stands out."""
    if not failures:
        return []
    kinds = field_kinds([*failures, *successes])
    bad = [set(traits_of(seen, kinds)) for seen in failures]
    good = Counter(trait for seen in successes for trait in set(traits_of(seen, kinds)))
    uncovered = set(range(len(failures)))
    found: list[Pattern] = []
    while uncovered and len(found) < MOST_PATTERNS:
        counts = Counter(trait for index in uncovered for trait in bad[index])
        best = min(
            (
                (_chance(count, len(uncovered), good[trait], len(successes)), -count, trait)
                for trait, count in counts.items()
                if count >= min(LEAST_FAILURES, len(failures))
            ),
            default=None,
        )
        if best is None or best[0] > MOST_LIKELY_BY_CHANCE:
            break
        trait = best[2]
        found.append(
            Pattern(
                words=trait,
                failures=sum(trait in traits for traits in bad),
                of_failures=len(failures),
                successes=good[trait],
                of_successes=len(successes),
                chance=float(f"{best[0]:.3g}"),
            )
        )
        uncovered -= {index for index in uncovered if trait in bad[index]}
    return found


def find_mistakes(failures: Sequence[Seen]) -> list[tuple[str, str, int]]:
    """What was answered, what is right, and how often: the commonest mix-ups first."""
    pairs = Counter(
        (
            class_label(seen.output)[:60] if seen.status == "success" else seen.status,
            class_label(seen.expected)[:60],
        )
        for seen in failures
    )
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(got, expected, count) for (got, expected), count in ordered[:MOST_PATTERNS]]


def _chance(failures: int, of_failures: int, successes: int, of_successes: int) -> float:
    """How likely at least so many failures have a trait by chance (Fisher's exact, one-sided)."""
    everybody = of_failures + of_successes
    return float(hypergeom.sf(failures - 1, everybody, failures + successes, of_failures))


def field_kinds(everything: Sequence[Seen]) -> dict[str, str]:
    """For each input field: text, category, or number."""
    values: dict[str, list[Any]] = defaultdict(list)
    for seen in everything:
        for name, value in _leaves(seen.input):
            values[name].append(value)
    kinds = {}
    for name, found in values.items():
        present = [value for value in found if value is not None]
        numbers = [v for v in present if isinstance(v, int | float) and not isinstance(v, bool)]
        distinct = {class_label(value) for value in present}
        if len(distinct) <= MOST_DISTINCT and all(len(label) <= 40 for label in distinct):
            kinds[name] = "category"
        elif numbers and len(numbers) == len(present):
            kinds[name] = "number"
        else:
            kinds[name] = "text"
    return kinds


def traits_of(seen: Seen, kinds: Mapping[str, str]) -> Iterator[str]:
    """All predicates in words that hold of an execution, where its fields are of these `kinds`."""
    if seen.status != "success":
        yield f"ended with {seen.status}"
    if seen.confidence is not None:
        for bound in LOW_CONFIDENCE:
            if seen.confidence < bound:
                yield f"had a confidence below {bound:.0%}"
    there = dict(_leaves(seen.input))
    for name, kind in kinds.items():
        value = there.get(name)
        if value is None:
            yield f"have no {name}"
        elif kind == "category":
            yield f"have {name} = {class_label(value)}"
        elif kind == "number" and isinstance(value, int | float):
            yield from _number_traits(name, value)
        elif isinstance(value, str):
            yield from _text_traits(name, value)


def _number_traits(name: str, value: float) -> Iterator[str]:
    for exponent in range(-2, 7):
        bound = 10**exponent
        if value > bound:
            yield f"have {name} above {bound:g}"
    if value < 0:
        yield f"have {name} below 0"


def _text_traits(name: str, value: str) -> Iterator[str]:
    for token in TOKEN.findall(value.casefold())[:MOST_TOKENS]:
        yield f'have "{token}" in {name}'
    for bound in LENGTHS:
        if len(value) > bound:
            yield f"have more than {bound} characters in {name}"
        else:
            yield f"have at most {bound} characters in {name}"
    if value.isupper():
        yield f"have {name} all in capitals"
    if any(character.isdigit() for character in value):
        yield f"have a digit in {name}"
    if any(ord(character) > 127 for character in value):
        yield f"have a character beyond ASCII in {name}"


def _leaves(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{before}{key}.")
        else:
            yield before + key, inner
