"""Which examples a program may learn from and which it is judged by. Seeded, stratified,
and never with two examples of one group on both sides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.strict_json import canonical
from workbench.synthesis.examples_check import CheckedExamples
from workbench.synthesis.kinds import OutputKind, class_label

# Few examples are judged best by judging each. Classes need more of them than texts and
# numbers, whose programs are either right nearly everywhere or nearly nowhere.
CROSS_VALIDATE_BELOW = 60
CROSS_VALIDATE_CLASSES_BELOW = 200
FOLDS = 5
HELD_OUT_FRACTION = 0.25
MAX_HELD_OUT = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in the examples: learn from `train`, judge by `held_out`."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]


def plan_splits(checked: CheckedExamples, seed: int) -> list[Split]:
    """One split of a large set; cross-validation folds of a small one.

    Small is under 200 examples for classes and under 60 for other outputs.
    """
    count = len(checked.examples)
    classes = checked.kind is OutputKind.CLASS
    if count < (CROSS_VALIDATE_CLASSES_BELOW if classes else CROSS_VALIDATE_BELOW):
        return fold(checked, min(FOLDS, count), seed)
    fraction = min(HELD_OUT_FRACTION, MAX_HELD_OUT / count)
    return [hold_out(checked, fraction, seed)]


def hold_out(checked: CheckedExamples, fraction: float, seed: int) -> Split:
    """Hold out about `fraction` of each stratum, at least one where it has two groups."""
    held: set[int] = set()
    for groups in _strata(checked, seed):
        wanted = fraction * sum(len(group) for group in groups)
        taken = 0
        for group in groups[:-1]:
            if taken + len(group) / 2 > wanted and taken:
                break
            held.update(group)
            taken += len(group)
    return _split(len(checked.examples), held)


def fold(checked: CheckedExamples, folds: int, seed: int) -> list[Split]:
    """`folds` splits; every example is held out in exactly one of them."""
    assigned: list[set[int]] = [set() for _ in range(folds)]
    turn = 0
    for groups in _strata(checked, seed):
        for group in groups:
            assigned[turn % folds].update(group)
            turn += 1
    return [_split(len(checked.examples), held) for held in assigned if held]


def _split(count: int, held: set[int]) -> Split:
    return Split(tuple(index for index in range(count) if index not in held), tuple(sorted(held)))


def _strata(checked: CheckedExamples, seed: int) -> list[list[list[int]]]:
    """For each class (or one for all) its groups of positions, in an order the seed decides.

    A group's place depends on itself alone, so examples added later leave the others where
    they were, and the figures of two versions stay comparable.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(checked.groups):
        groups[key].append(index)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for members in groups.values():
        strata[_stratum(checked, members)].append(members)

    def place(members: Sequence[int]) -> bytes:
        return hashlib.sha256(f"{seed} {checked.groups[members[0]]}".encode()).digest()

    return [sorted(strata[name], key=place) for name in sorted(strata)]


def _stratum(checked: CheckedExamples, members: Sequence[int]) -> str:
    if checked.kind is OutputKind.CLASS:
        return class_label(checked.examples[members[0]].output)
    if checked.kind is OutputKind.OBJECT:
        output = checked.examples[members[0]].output
        return canonical(sorted(key for key, value in output.items() if value is not None))
    return ""
