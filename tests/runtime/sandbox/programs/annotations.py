# input: {"text": "Hello there, General"}
# ruff: noqa
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Dict, List, NamedTuple, Optional, TypeVar, Union, cast

T = TypeVar("T")
Score = Dict[str, float]
Value = Union[str, int, None]
Pair = tuple[str, int]
Maybe = str | None
WEIGHTS: Dict[str, float] = {"hello": 1.5}
limit: int = 3
unset: int


def score(tokens: List[str], weights: Optional[Mapping[str, float]] = None) -> float:
    total: float = 0.0
    best: str
    for token in tokens:
        total += (weights or {}).get(token, 0.5)
    return total


def first(items: Iterable[T]) -> T | None:
    for item in items:
        return item
    return None


def run(input_data: dict[str, Any]) -> dict[str, Value]:
    tokens: list[str] = input_data["text"].lower().split()
    return {"score": cast(float, score(tokens, WEIGHTS)), "first": first(tokens), "limit": limit}
