"""What the sandbox costs: beside plain Python, per execution, per call, per lost worker.

`python -m tests.benchmarks.sandbox_cost [--json]` runs in about twenty seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec

from runtime.sandbox import Limits, Program, Sandbox
from runtime.sandbox.pool import Pool
from runtime.sandbox.program import load_program
from runtime.sandbox.protocol import Answer

ROUNDS = 7
WORDS = 20_000
TEXTS = 60

SCORING = """
import math, re
TOKEN = re.compile(r"\\w+")
LABELS = ("ham", "spam", "news")
BIAS = [0.1, -0.2, 0.05]
WEIGHTS = {weights!r}

def run(input_data):
    words = TOKEN.findall(input_data["text"].lower())
    counts = {{}}
    for at in range(len(words)):
        for size in (1, 2):
            gram = " ".join(words[at : at + size])
            counts[gram] = counts.get(gram, 0) + 1
    scores = list(BIAS)
    for gram, count in counts.items():
        row = WEIGHTS{table}.get(gram)
        if row is None:
            continue
        value = 1.0 + math.log(count)
        for label in range(3):
            scores[label] += value * row[label]
    best = max(range(3), key=lambda label: scores[label])
    return LABELS[best], 1.0 / (1.0 + math.exp(-abs(scores[best])))
"""
VECTORS = """
MEANS = {means!r}
ROWS = {rows!r}

def run(input_data):
    values = [len(word) / 10 for word in input_data["text"].split()][:200]
    best, label = -1e9, None
    for name, row in ROWS.items():
        total = 0.0
        for at in range(len(values)):
            total += row[at] * (values[at] - MEANS[at])
        total += sum(a * b for a, b in zip(row, values))
        if total > best:
            best, label = total, name
    return label
"""
RULES = """
import re
from collections import Counter
RULES = [(re.compile(pattern), label) for pattern, label in (
    (r"\\bw1\\d\\d\\b.*\\bw2\\d\\d\\b", "a"), (r"(?:w7){{3}}", "b"), (r"w\\d+5 w\\d+6", "c"))]

def run(input_data):
    text = input_data["text"]
    for pattern, label in RULES:
        if pattern.search(text):
            return label
    counts = Counter(word[-1] for word in text.split())
    common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    lines = ["{{:>5}} {{}}".format(count, digit) for digit, count in common]
    return "\\n".join(line.strip() for line in lines)
"""
TRIVIAL = "def run(input_data):\n    return 'spam' if 'buy' in input_data['text'] else 'ham'\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, print it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    report = {"programs": compare_programs(), "costs": measure_costs()}
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"{'program':24}{'plain ms':>10}{'sandbox ms':>12}{'ratio':>8}")
    for row in report["programs"]:
        print(
            f"{row['name']:24}{row['plain_ms']:10.3f}{row['sandbox_ms']:12.3f}{row['ratio']:8.3f}"
        )
    for name, value in report["costs"].items():
        print(f"{name:52}{value:12,.1f}")
    return 0


def programs() -> dict[str, str]:
    draw = random.Random(1)
    table = {
        f"w{n}": tuple(round(draw.gauss(0, 1), 4) for _ in range(3)) for n in range(WORDS // 2)
    }
    means = [round(draw.random(), 4) for _ in range(200)]
    rows = {name: [round(draw.gauss(0, 1), 4) for _ in range(200)] for name in "abcdef"}
    return {
        "n-grams, flat table": SCORING.format(weights=table, table=""),
        "n-grams, nested table": SCORING.format(weights={"t": table}, table="['t']"),
        "dot products": VECTORS.format(means=means, rows=rows),
        "patterns and counting": RULES.format(),
    }


def texts() -> list[dict[str, Any]]:
    draw = random.Random(2)
    return [
        {"text": " ".join(f"w{draw.randrange(WORDS)}" for _ in range(400))} for _ in range(TEXTS)
    ]


def compare_programs() -> list[dict[str, Any]]:
    """Each program's time per execution, alternating between plain Python and the sandbox."""
    inputs, report = texts(), []
    with Sandbox() as sandbox:
        for name, source in programs().items():
            namespace: dict[str, Any] = {}
            exec(compile(source, name, "exec"), namespace)
            run, program = namespace["run"], sandbox.load(source)
            sandbox.run(program, inputs)
            plain, inside = [], []
            for _ in range(ROUNDS):
                plain.append(seconds(run_all, run, inputs) * 1e3 / TEXTS)
                results = sandbox.run(program, inputs)
                assert all(result.ok for result in results), results[0].error
                inside.append(statistics.fmean(result.latency_ms for result in results))
            report.append(
                {
                    "name": name,
                    "plain_ms": min(plain),
                    "sandbox_ms": min(inside),
                    "ratio": min(inside) / min(plain),
                }
            )
    return report


def measure_costs() -> dict[str, float]:
    table = programs()["n-grams, flat table"]
    inputs = [{"text": f"buy now {number}"} for number in range(1000)]
    limits = Limits(timeout_ms=100)
    began = perf_counter()
    with Sandbox(limits) as sandbox:
        program = sandbox.load(TRIVIAL)
        sandbox.prepare(program)
        costs = {"cold start to a loaded program, ms": (perf_counter() - began) * 1e3}
        batch = min(seconds(lambda: sandbox.run(program, inputs)) for _ in range(30))
        costs["executions a second in batches of 1,000"] = len(inputs) / batch
        single = sorted(seconds(lambda: sandbox.run(program, inputs[:1])) for _ in range(3000))
        costs["one execution, round trip, p50, us"] = single[1500] * 1e6
        costs["one execution, round trip, p99, us"] = single[2970] * 1e6
        costs["gate, source of bytes"] = len(table)
        costs["gate, ms"] = min(seconds(lambda: sandbox.load(table)) for _ in range(3)) * 1e3
        endless = sandbox.load("def run(x):\n    while x['loop']: pass\n    return 1\n")
        sandbox.prepare(endless)
        late = [seconds(lambda: sandbox.run(endless, [{"loop": True}])) for _ in range(10)]
        costs["killed after its limit by, worst of 10, ms"] = max(late) * 1e3 - limits.timeout_ms
        greedy = sandbox.load("def run(x):\n    return 'a' * 10 ** 10\n")
        sandbox.prepare(greedy)
        lost = seconds(lambda: sandbox.run(greedy, inputs[:50]))
        costs["a memory error and its fresh worker, ms"] = lost / 50 * 1e3
    costs["executions a second through a pool, raw JSON"] = asyncio.run(measure_pool())
    return costs


class RawInputs:
    """A queue of the same input many times, as the server's event loop hands its own to a pool."""

    name = "benchmark"

    def __init__(self, pool: Pool, program: Program, count: int) -> None:
        self._program = program
        self._items = [RawInput(msgspec.Raw(b'{"text":"buy now"}')) for _ in range(count)]
        self._left = count
        self.done = asyncio.Event()
        pool.add(self)

    def waiting(self) -> int:
        return len(self._items)

    def take(self, most: int) -> tuple[Program, Sequence[Any]]:
        taken, self._items = self._items[:most], self._items[most:]
        return self._program, taken

    def give_back(self, items: Sequence[Any]) -> None:
        self._items = [*items, *self._items]

    def settle(self, items: Sequence[Any], answers: Sequence[Answer]) -> None:
        self._left -= len(items)
        if not self._left:
            self.done.set()

    def refuse(self, reason: str) -> None:
        raise AssertionError(reason)


class RawInput(msgspec.Struct, eq=False, gc=False):
    raw: msgspec.Raw
    deaths: int = 0


async def measure_pool(count: int = 50_000) -> float:
    """Executions a second through a pool of two workers, without a server."""
    pool = Pool(Limits(), 2)
    await pool.start()
    best = 0.0
    try:
        program = load_program(TRIVIAL)
        await pool.prepare(program)
        for _ in range(5):
            inputs = RawInputs(pool, program, count)
            began = perf_counter()
            pool.wake(inputs)
            await inputs.done.wait()
            best = max(best, count / (perf_counter() - began))
            pool.remove(inputs)
    finally:
        await pool.close()
    return best


def run_all(run: Callable[[Any], Any], inputs: list[Any]) -> None:
    for value in inputs:
        run(value)


def seconds(work: Callable[..., object], *arguments: Any) -> float:
    began = perf_counter()
    work(*arguments)
    return perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
