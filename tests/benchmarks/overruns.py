"""How long after its limit a program that does not end is answered, and what its neighbours notice.

`python -m tests.benchmarks.overruns [--rounds 5] [--json]`: each kind of input goes to a running
server with its full jail, while other callers send good inputs without a pause.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx
from rich.console import Console
from rich.table import Table

from runtime.data_dir import DataDir
from tests.support import RunningRuntime, logged, make_task, promote, wait_until

LIMIT_MS = 500
NEIGHBOURS = 4
PROGRAM = r"""
import re

def run(input_data):
    text = input_data["text"]
    if text == "endless loop":
        while True:
            pass
    if text == "loop that swallows everything":
        while True:
            try:
                while True:
                    pass
            except:
                pass
    if text == "big power":
        return str(10 ** 10 ** 8)
    if text == "catastrophic pattern":
        return str(re.match(r"(a+)+$", "a" * 40 + "b"))
    if text == "endless sum in C":
        return str(sum(range(10 ** 10)))
    if text == "text of 10 GB":
        return "a" * 10 ** 10
    if text == "list that grows":
        kept = []
        while True:
            kept.append("x" * 1_000_000 + str(len(kept)))
    return "fine"
"""
KINDS = [part.split('"')[1] for part in PROGRAM.split("text == ")[1:]]


class Neighbours:
    """Callers of good inputs: how long each answer took, in ms, and what was no success."""

    def __init__(self, url: str) -> None:
        self.waits: list[float] = []
        self.failures: Counter[int] = Counter()
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(NEIGHBOURS)]

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http:
            while not self._stop.wait(0.002):
                began = perf_counter()
                response = http.post("/execute", json={"input": {"text": "hello"}})
                self.waits.append((perf_counter() - began) * 1000)
                if not response.is_success:
                    self.failures[response.status_code] += 1

    @contextmanager
    def asking(self) -> Iterator[Neighbours]:
        for thread in self._threads:
            thread.start()
        try:
            wait_until(lambda: len(self.waits) >= 10 * NEIGHBOURS, 60)
            self.waits.clear()
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            measure(Path(folder) / str(at), kind, given.rounds) for at, kind in enumerate(KINDS)
        ]
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(title=f"limit {LIMIT_MS} ms; times in ms", box=None)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name == "input" else "right")
    for row in rows:
        table.add_row(*(f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=120).print(table)


def measure(folder: Path, kind: str, rounds: int) -> dict[str, object]:
    """Send one kind `rounds` times, one after the other."""
    data_dir = DataDir(folder)
    promote(data_dir, make_task(data_dir, output_schema={"type": "string"}), PROGRAM)
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text(
        f"execution: {{timeout_ms: {LIMIT_MS}, require_isolation: strict}}\n"
    )
    took, statuses = [], Counter[str]()
    with RunningRuntime(data_dir) as runtime:
        with Neighbours(runtime.url).asking() as neighbours:
            for _ in range(rounds):
                began = perf_counter()
                answer = runtime.execute({"text": kind}).json()
                took.append((perf_counter() - began) * 1000)
                statuses[answer["error"]["type"]] += 1
        runtime.stop()
    lines = Counter(line["execution_id"] for line in logged(data_dir))
    return {
        "input": kind,
        "answered": ", ".join(sorted(statuses)),
        "after_the_limit_median": statistics.median(took) - LIMIT_MS,
        "after_the_limit_most": max(took) - LIMIT_MS,
        "neighbours_asked": len(neighbours.waits),
        "of_them_failed": sum(neighbours.failures.values()),
        "their_p99": statistics.quantiles(neighbours.waits, n=100)[98],
        "logged_twice": sum(count > 1 for count in lines.values()),
    }


if __name__ == "__main__":
    main()
