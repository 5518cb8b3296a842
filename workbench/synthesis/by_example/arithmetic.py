"""Sums that carry numbers in the input over to numbers in the output: scales, offsets, clocks.

Goal-directed: a sum is offered only when it gives a number that every output shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.code import X, Y
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Operation,
    Values,
    apply,
    apply_pair,
    operation,
)

NUMBER = Kind.NUMBER
MAX_NUMBERS = 30
MAX_PAIRED = 12
CLOSE = 1e-9
SCALES = (2, 3, 4, 5, 7, 10, 12, 16, 24, 60, 100, 365, 1000, 1024, 3600, 1_000_000, 1.1, 1.2,
          1.19, 1.21, 1.25, 1.5, 0.9, 0.8, 0.75, 0.25, 0.2, 2.5, 2.54, 1.609344, 1.609, 0.621371,
          0.45359237, 0.4536, 2.20462, 2.205, 30.48, 0.3048, 3.28084, 28.3495, 4.54609, 3.78541,
          1.8)  # fmt: skip
MODULI = (2, 7, 10, 12, 16, 24, 60, 100, 1000, 3600, 365)
# What passes for a step of arithmetic without a target of its own to aim at.
CLOCK_STEPS = (
    f"{X} // 60 % 60",
    f"{X} % 3600 // 60",
    f"{X} // 3600",
    f"{X} // 60",
    f"{X} % 60",
)
PAIRS = (
    (f"{X} + {Y}", 3.0),
    (f"{X} * {Y}", 3.0),
    (f"{X} - {Y}", 3.0),
    (f"{X} / {Y}", 4.0),
    (f"{X} * 60 + {Y}", 3.5),
    (f"{X} * 12 + {Y}", 4.0),
    (f"{X} * 100 + {Y}", 4.5),
    (f"{X} * 3600 + {Y}", 4.5),
    (f"{X} * 24 + {Y}", 4.5),
    (f"{X} + {Y} / 60", 5.0),
    (f"{X} + {Y} / 100", 5.0),
    (f"{Y} / {X}", 4.0),
    (f"{Y} - {X}", 3.5),
)
Number = tuple[Values, Expression]
Target = tuple[float | None, ...]


def derive_numbers(
    numbers: Sequence[Number], targets: Sequence[Target]
) -> Iterator[tuple[Expression, Values]]:
    """New numbers, each equal in two examples at least to one of the targets, but for rounding."""
    usable = sorted(numbers, key=lambda item: item[1].cost)[:MAX_NUMBERS]
    known = {values for values, _ in usable}
    for target in targets:
        if len({value for value in target if value is not None}) < 2:
            continue
        places = [_places(value) for value in target]
        for values, made in usable:
            for step in _single_steps(values, target):
                results = apply(step, values)
                if results not in known and _agree(results, target, places):
                    yield _step(step, (made,)), results
        for left, one in usable[:MAX_PAIRED]:
            for right, other in usable[:MAX_PAIRED]:
                if one is other:
                    continue
                for code, cost in PAIRS:
                    step = operation(code, NUMBER, NUMBER, cost, "number")
                    results = apply_pair(step, left, right)
                    if _agree(results, target, places):
                        yield _step(step, (one, other)), results


def _step(step: Operation, operands: tuple[Expression, ...]) -> Expression:
    cost = step.cost + sum(operand.cost for operand in operands)
    return Expression(NUMBER, cost, step.name, -1, step, operands)


def _places(value: float | None) -> float:
    """Half a unit of the last place that the number shows: the rest is for who writes it."""
    if value is None or value.is_integer():
        return 0.5
    return 0.5 * 10.0 ** -len(repr(value).partition(".")[2])


def _agree(results: Values, target: Target, places: Sequence[float]) -> bool:
    """Whether two examples' different numbers are met, and more than half of all."""
    met = {
        value
        for result, value, half in zip(results, target, places, strict=True)
        if value is not None
        and isinstance(result, int | float)
        and abs(result - value) <= half + CLOSE
    }
    return len(met) >= 2 and 2 * len(met) > len(set(target))


def _single_steps(values: Values, target: Target) -> Iterator[Operation]:
    def step(code: str, cost: float) -> Operation:
        return operation(code, NUMBER, NUMBER, cost, "number")

    pairs = [
        (value, wanted)
        for value, wanted in zip(values, target, strict=True)
        if wanted is not None and isinstance(value, int | float)
    ]
    if len(pairs) < 2:
        return
    for scale in SCALES:
        if sum(_near(value * scale, wanted) for value, wanted in pairs) >= 2:
            yield step(f"{X} * {scale}", 2.6)
        if sum(_near(value / scale, wanted) for value, wanted in pairs) >= 2:
            yield step(f"{X} / {scale}", 2.6)
    shifts: dict[int, int] = {}
    for value, wanted in pairs:
        shift = round(wanted - value, 6)
        if shift and shift == int(shift):
            shifts[int(shift)] = shifts.get(int(shift), 0) + 1
    for shift, times in shifts.items():
        if times >= 2:
            sign = "+" if shift > 0 else "-"
            yield step(f"{X} {sign} {abs(shift)}", 3.0 + 0.4 * len(str(abs(shift))))
    yield step(f"abs({X})", 3.0)
    yield step(f"({X} - 32) * 5 / 9", 4.0)
    yield step(f"{X} * 9 / 5 + 32", 4.0)
    yield step(f"100 - {X}", 5.0)
    if all(isinstance(value, int) for value, _ in pairs):
        for code in CLOCK_STEPS:
            yield step(code, 3.2)
        for modulus in MODULI:
            yield step(f"{X} // {modulus}", 4.0)
            yield step(f"{X} % {modulus}", 4.0)
            yield step(f"{X} // {modulus} * {modulus}", 5.0)
    line = _line([value for value, _ in pairs], [wanted for _, wanted in pairs])
    if line is not None:
        yield step(line, 6.0 + 0.3 * len(line))


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= 0.005 * abs(wanted) + 0.5


def _line(values: Sequence[float], wanted: Sequence[float]) -> str | None:
    """A slope and an offset of few digits through all points, of which there are three."""
    points = sorted(set(zip(values, wanted, strict=True)))
    if len({x for x, _ in points}) < 3:
        return None
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0)
    shift = y0 - slope * x0
    for number in (slope, shift):
        if number != float(f"{number:.3g}"):
            return None
    if not slope or (slope == 1 and shift == int(shift)):
        return None
    sign = "+" if shift >= 0 else "-"
    return f"{X} * {slope:g} {sign} {abs(shift):g}"
