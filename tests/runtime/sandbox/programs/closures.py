# input: {"numbers": [3, 1, 2]}
# ruff: noqa
from functools import partial, reduce


def adder(step):
    def add(value):
        return value + step

    return add


ADD_TWO = adder(2)
TRIPLE = partial(lambda factor, value: factor * value, 3)
STEPS = {"add": ADD_TWO, "triple": TRIPLE, "negate": lambda value: -value}


def run(input_data):
    count = 0

    def tick():
        nonlocal count
        count += 1
        return count

    ticks = [tick() for _ in range(3)]
    numbers = input_data["numbers"]
    return {
        "ticks": ticks,
        "mapped": [STEPS[name](n) for name in STEPS for n in numbers],
        "sum": reduce(lambda a, b: a + b, numbers, 0),
        "sorted": sorted(numbers, key=lambda n: (-n, str(n))),
    }
