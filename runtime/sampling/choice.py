"""Chooses executions: the strategy of the settings, and a hash of the execution's id as the dice.

Pure: the same seed, settings and records choose the same ones, in any process at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from runtime.sampling.probability import (
    Combined,
    Random,
    Record,
    Strategy,
    Stratified,
    Temporal,
    Uncertainty,
)
from runtime.sampling.settings import SamplingConfig

UNIT = 2.0**-64


def make_strategy(config: SamplingConfig, rate: float, state: dict[str, Any]) -> Strategy:
    """The strategy that `config` names, at `rate`, going on from `state` (changed in place)."""
    if config.strategy != "combined":
        return _single(config.strategy, config, rate, state)
    weights = config.weights.model_dump()
    if not any(weights.values()):
        weights = {"random": 1.0}
    parts = [
        (weight, _single(name, config, rate, state.setdefault(name, {})))
        for name, weight in weights.items()
        if weight
    ]
    return Combined(parts, state)


def choose(strategy: Strategy, seed: str, records: Sequence[Record]) -> list[tuple[Record, float]]:
    """Those of `records` that are sampled, each with its inclusion probability."""
    chosen = []
    for record in records:
        probability = strategy.probability(record)
        if uniform(seed, record["execution_id"]) < probability:
            chosen.append((record, probability))
    return chosen


def uniform(seed: str, execution_id: str) -> float:
    """A number in [0, 1) that an execution always gets for a seed, evenly spread over them."""
    digest = blake2b(
        execution_id.encode(), digest_size=8, key=seed.encode()[:64], person=b"sample"
    ).digest()
    return int.from_bytes(digest, "big") * UNIT


def _single(name: str, config: SamplingConfig, rate: float, state: dict[str, Any]) -> Strategy:
    if name == "uncertainty":
        return Uncertainty(rate, state)
    if name == "stratified":
        return Stratified(rate, state)
    if name == "temporal":
        return Temporal(rate, state, config.half_life_hours)
    return Random(rate, state)
