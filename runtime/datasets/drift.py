"""How far what comes in and goes out has moved from what the program was made from. Pure.

For each feature the population stability index, sum((p - q) * ln(p / q)) over its buckets, and
the Jensen-Shannon distance in [0, 1]. Under no drift the index is about chi-squared with B - 1
degrees of freedom times (1/N + 1/M) (Yurdakul, "Statistical Properties of Population Stability
Index", 2018): what chance alone would make of so few records is not called drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from runtime.datasets.drift_sketch import OTHER, DriftSketch, Feature

MIN_REFERENCE = 20
MIN_RECORDS = 100
NUMBER_BUCKETS = 10
# Values seen hardly ever say nothing by themselves; they are one bucket together.
MIN_SHARE = 0.005
MIN_COUNT = 3
MAX_BUCKETS = 30
SMOOTHING = 0.5
Z999 = 3.090232306167813
WARNING, ALERT = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: `psi`, `js` (distance), and the `psi` that chance reaches once in a thousand.

    `excess` is what is left of the index beyond its mean by chance; 0 unless it is significant.
    """

    name: str
    psi: float
    js: float
    by_chance: float
    excess: float

    @property
    def level(self) -> str:
        """By the usual bounds: below 0.1 `stable`, from 0.25 on `alert`."""
        if self.excess >= ALERT:
            return "alert"
        return "warning" if self.excess >= WARNING else "stable"

    def as_json(self) -> dict[str, Any]:
        figures = {"psi": self.psi, "js": self.js, "by_chance": self.by_chance}
        rounded = {name: round(value, 6) for name, value in figures.items()}
        return {
            "feature": self.name,
            **rounded,
            "drift": round(self.excess, 6),
            "level": self.level,
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """All features, the most drifted first; `enough` is False where too little is known."""

    records: int
    reference: int
    enough: bool
    features: tuple[FeatureDrift, ...]

    @property
    def worst(self) -> FeatureDrift | None:
        return self.features[0] if self.features else None

    def as_json(self) -> dict[str, Any]:
        worst = self.worst
        return {
            "records": self.records,
            "reference": self.reference,
            "enough": self.enough,
            "level": worst.level if worst else "unknown",
            "drift": round(worst.excess, 6) if worst else None,
            "features": [feature.as_json() for feature in self.features],
        }


def compare(reference: DriftSketch, current: DriftSketch) -> Drift:
    """How far `current` is from `reference`; no features where there is too little of either."""
    enough = reference.count >= MIN_REFERENCE and current.count >= MIN_RECORDS
    if not enough:
        return Drift(current.count, reference.count, False, ())
    found = []
    for name in sorted(reference.features.keys() | current.features.keys()):
        sizes = (
            (reference.outputs, current.outputs)
            if name == "output"
            else (reference.count, current.count)
        )
        feature = _compare_feature(
            name,
            reference.features.get(name, Feature()),
            current.features.get(name, Feature()),
            *sizes,
        )
        if feature is not None:
            found.append(feature)
    found.sort(key=lambda feature: (-feature.excess, -feature.psi, feature.name))
    return Drift(current.count, reference.count, True, tuple(found))


def psi(reference: list[float], current: list[float]) -> float:
    """The population stability index of two distributions over the same buckets, all > 0."""
    return sum((p - q) * math.log(p / q) for q, p in zip(reference, current, strict=True))


def jensen_shannon(reference: list[float], current: list[float]) -> float:
    """The Jensen-Shannon distance (square root of the divergence to base 2), in [0, 1]."""
    divergence = 0.0
    for q, p in zip(reference, current, strict=True):
        middle = (p + q) / 2
        divergence += (p * math.log2(p / middle) if p else 0) / 2
        divergence += (q * math.log2(q / middle) if q else 0) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def chi_squared(freedom: int, z: float = Z999) -> float:
    """A quantile of chi-squared by Wilson and Hilferty (1931); `z` is the normal quantile."""
    part = 2 / (9 * freedom)
    return freedom * max(0.0, 1 - part + z * math.sqrt(part)) ** 3


def _compare_feature(
    name: str, reference: Feature, current: Feature, known: int, seen: int
) -> FeatureDrift | None:
    before, after = _buckets(reference, current, known, seen)
    if len(before) < 2 or not known or not seen:
        return None
    shares = [_smooth(before), _smooth(after)]
    index = psi(*shares)
    noise = 1 / known + 1 / seen
    freedom = len(before) - 1
    by_chance = chi_squared(freedom) * noise
    excess = max(0.0, index - freedom * noise) if index > by_chance else 0.0
    return FeatureDrift(name, index, jensen_shannon(*shares), by_chance, excess)


def _buckets(
    reference: Feature, current: Feature, known: int, seen: int
) -> tuple[list[float], list[float]]:
    """Counts over the same buckets: categories worth one, the other ones, numbers by the
    reference's deciles, and the records that do not have the feature at all."""
    both = reference.categories.keys() | current.categories.keys()
    weight = {
        category: reference.categories.get(category, 0) / known
        + current.categories.get(category, 0) / max(1, seen)
        for category in both
    }
    ranked = sorted(weight, key=lambda category: (-weight[category], category))
    kept = [
        c
        for c in ranked
        if weight[c] >= 2 * MIN_SHARE
        and c != OTHER
        # What is hardly ever the same twice (names, whole texts) is no category.
        and max(reference.categories.get(c, 0), current.categories.get(c, 0)) >= MIN_COUNT
    ][:MAX_BUCKETS]
    columns = []
    for feature, total in ((reference, known), (current, seen)):
        named = [feature.categories.get(category, 0.0) for category in kept]
        other = sum(feature.categories.values()) - sum(named)
        numbers = _by_size(reference, current, feature)
        missing = max(0.0, total - sum(feature.categories.values()) - feature.numbers.count)
        columns.append([*named, max(0.0, other), *numbers, missing])
    used = [at for at in range(len(columns[0])) if any(column[at] > 1e-9 for column in columns)]
    return [columns[0][at] for at in used], [columns[1][at] for at in used]


def _by_size(reference: Feature, current: Feature, feature: Feature) -> list[float]:
    source = reference.numbers if reference.numbers.count else current.numbers
    if not source.count:
        return []
    cuts = sorted({source.quantile(step / NUMBER_BUCKETS) for step in range(1, NUMBER_BUCKETS)})
    return feature.numbers.counts_between(cuts)


def _smooth(counts: list[float]) -> list[float]:
    total = sum(counts) + SMOOTHING * len(counts)
    return [(count + SMOOTHING) / total for count in counts]
