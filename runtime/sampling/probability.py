"""How likely an execution is to be chosen, by each strategy. Pure: no clock, no file, no chance.

Whoever learns from the records it has judged does so in order, so the same records give the same
probabilities; an inclusion probability depends on the record itself and on those before it only,
never on what was chosen (Poisson sampling), which is what makes inverse weights unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from runtime.datasets.features import length_bucket, text_length, token_bucket, tokens

Record = dict[str, Any]

LOWEST, HIGHEST = 0.01, 0.20
# Before so many records every one gets the plain rate: too little is known of the others.
LEARN_FIRST = 100
# Beyond so many, what was learnt counts half: traffic changes.
MEMORY = 20_000
SCORE_BINS = 20
MAX_GROUPS = 64
TOKEN_BUCKETS = 16
MAX_VERSIONS = 1000


class Strategy(Protocol):
    """One way to choose. `state` is plain JSON, all that it has learnt."""

    state: dict[str, Any]

    def probability(self, record: Record) -> float:
        """Between `LOWEST` and `HIGHEST`."""

    def learn(self, records: Sequence[Record]) -> None:
        """Take records into account for those that come later."""


def within(rate: float) -> float:
    """A rate moved to where rates may be, 1 % to 20 %."""
    return min(HIGHEST, max(LOWEST, rate))


class Random:
    """Every execution with the same probability."""

    def __init__(self, rate: float, state: dict[str, Any]) -> None:
        self.state = state
        self._rate = within(rate)

    def probability(self, record: Record) -> float:
        return self._rate

    def learn(self, records: Sequence[Record]) -> None:
        """There is nothing to learn."""


class Uncertainty:
    """Low confidence first: the least confident get 20 % as far as the rate goes, others 1 %.

    A failed execution counts as the least confident; one that says nothing as half confident.
    State: `counts` of records by uncertainty, in `SCORE_BINS` equal bins.
    """

    def __init__(self, rate: float, state: dict[str, Any]) -> None:
        self.state = state
        self._rate = within(rate)
        self._counts: list[float] = state.setdefault("counts", [0.0] * SCORE_BINS)
        self._plan = self._spend()

    def probability(self, record: Record) -> float:
        return self._plan[_uncertainty_bin(record)]

    def learn(self, records: Sequence[Record]) -> None:
        for record in records:
            self._counts[_uncertainty_bin(record)] += 1
        _forget(self._counts)
        self._plan = self._spend()

    def _spend(self) -> list[float]:
        total = sum(self._counts)
        if total < LEARN_FIRST:
            return [self._rate] * SCORE_BINS
        plan = [LOWEST] * SCORE_BINS
        left = self._rate - LOWEST
        for bin_number in reversed(range(SCORE_BINS)):
            share = self._counts[bin_number] / total
            step = HIGHEST - LOWEST
            more = step if share * step <= left else left / share
            plan[bin_number] += more
            left = max(0.0, left - more * share)
        return plan


class Stratified:
    """The rarer its output, its length or its words, the more likely: every kind is looked at.

    Rarity is the largest of how much rarer than average the output class, the length bucket and
    the word bucket are. Probabilities are proportional to it and scaled to the rate on average.
    State: `groups`, a count for each group of the three kinds; `rarities`, a count for each
    doubling of rarity.
    """

    KINDS = ("output", "length", "words")

    def __init__(self, rate: float, state: dict[str, Any]) -> None:
        self.state = state
        self._rate = within(rate)
        self._groups: dict[str, dict[str, float]] = state.setdefault(
            "groups", {kind: {} for kind in self.KINDS}
        )
        self._rarities: list[float] = state.setdefault("rarities", [0.0] * SCORE_BINS)
        #: The groups of records that were judged and not yet learnt from: words take time.
        self._judged: dict[str, tuple[str, str, str]] = {}
        self._prepare()

    def probability(self, record: Record) -> float:
        if self._seen < LEARN_FIRST:
            return self._rate
        groups = self._judged[record["execution_id"]] = _groups_of(record)
        return _between(math.ldexp(self._scale, self._rarity_bin(groups)))

    def learn(self, records: Sequence[Record]) -> None:
        for record in records:
            groups = self._judged.get(record["execution_id"]) or _groups_of(record)
            if self._seen >= LEARN_FIRST:
                self._rarities[self._rarity_bin(groups)] += 1
            for kind, group in zip(self.KINDS, groups, strict=True):
                counts = self._groups[kind]
                if group not in counts and len(counts) >= MAX_GROUPS:
                    group = "…"
                counts[group] = counts.get(group, 0.0) + 1
        for counts in self._groups.values():
            if sum(counts.values()) > MEMORY:
                halved = {group: count / 2 for group, count in counts.items() if count > 1}
                counts.clear()
                counts.update(halved)
        _forget(self._rarities)
        self._judged.clear()
        self._prepare()

    def _prepare(self) -> None:
        self._totals = {kind: sum(counts.values()) for kind, counts in self._groups.items()}
        self._seen = self._totals["output"]
        self._scale = self._scaled_to_rate()

    def _rarity_bin(self, groups: tuple[str, str, str]) -> int:
        rarity = 1.0
        for kind, group in zip(self.KINDS, groups, strict=True):
            counts, total = self._groups[kind], self._totals[kind]
            if total:
                average = total / max(1, len(counts))
                rarity = max(rarity, average / counts.get(group, 1.0))
        return min(SCORE_BINS - 1, max(0, int(rarity).bit_length() - 1))

    def _scaled_to_rate(self) -> float:
        """The factor by which rarity makes probabilities whose mean is the rate (bisection)."""
        total = sum(self._rarities)
        if not total:
            return self._rate
        low, high = math.ldexp(LOWEST, -SCORE_BINS), HIGHEST
        for _ in range(50):
            middle = (low + high) / 2
            mean = sum(
                count * _between(math.ldexp(middle, bin_number))
                for bin_number, count in enumerate(self._rarities)
            )
            low, high = (middle, high) if mean < self._rate * total else (low, middle)
        return (low + high) / 2


class Temporal:
    """20 % when a version is new, halving towards the rate: a deployment is when things break.

    State: `first_seen`, the time of the first execution of each version.
    """

    def __init__(self, rate: float, state: dict[str, Any], half_life_hours: float = 6) -> None:
        self.state = state
        self._rate = within(rate)
        self._half_life = half_life_hours * 3600
        self._first_seen: dict[str, str] = state.setdefault("first_seen", {})

    def probability(self, record: Record) -> float:
        now: str = record["timestamp"]
        first = self._first_seen.get(str(record.get("program_version")), now)
        age = max(0.0, _seconds_between(first, now))
        more = HIGHEST - self._rate
        return self._rate + more * math.pow(0.5, age / self._half_life)

    def learn(self, records: Sequence[Record]) -> None:
        for record in records:
            version = str(record.get("program_version"))
            first = self._first_seen.get(version)
            if first is None or record["timestamp"] < first:
                self._first_seen[version] = record["timestamp"]
        while len(self._first_seen) > MAX_VERSIONS:
            del self._first_seen[min(self._first_seen, key=self._first_seen.__getitem__)]


class Combined:
    """A weighted mean of several strategies. State: theirs, by name."""

    def __init__(self, parts: Sequence[tuple[float, Strategy]], state: dict[str, Any]) -> None:
        self.state = state
        total = sum(weight for weight, _ in parts)
        self._parts = [(weight / total, strategy) for weight, strategy in parts if weight > 0]

    def probability(self, record: Record) -> float:
        return sum(weight * strategy.probability(record) for weight, strategy in self._parts)

    def learn(self, records: Sequence[Record]) -> None:
        for _, strategy in self._parts:
            strategy.learn(records)


def _uncertainty_bin(record: Record) -> int:
    if record.get("status") != "success":
        return SCORE_BINS - 1
    confidence = record.get("confidence")
    if not isinstance(confidence, int | float):
        return SCORE_BINS // 2
    return min(SCORE_BINS - 1, max(0, int((1 - confidence) * SCORE_BINS)))


def _groups_of(record: Record) -> tuple[str, str, str]:
    output = record.get("output")
    if record.get("status") != "success":
        kind = str(record.get("status"))
    elif isinstance(output, dict | list | float):
        kind = type(output).__name__
    else:
        kind = f"={str(output)[:60]}"
    value = record.get("input")
    length = length_bucket(text_length(value))
    return kind, str(length), str(token_bucket(tokens(value), TOKEN_BUCKETS))


def _between(probability: float) -> float:
    return min(HIGHEST, max(LOWEST, probability))


def _forget(counts: list[float]) -> None:
    if sum(counts) > MEMORY:
        counts[:] = [count / 2 for count in counts]


def _seconds_between(first: str, second: str) -> float:
    try:
        return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
    except (ValueError, TypeError):  # a line whose time is none counts as new
        return 0.0
