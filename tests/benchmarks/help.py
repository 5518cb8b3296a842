"""How soon `--help` is there: `python -m tests.benchmarks.help`. On a quiet machine below 150 ms.

Prints the fastest and the median of twenty starts, in milliseconds, of an empty Python too.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 20
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "loopai-runtime --help": ["-m", "runtime", "--help"],
    "loopai --help": ["-m", "workbench", "--help"],
}


def measure(arguments: list[str]) -> list[float]:
    """Milliseconds of each start."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - started) * 1000)
    return times


def main() -> None:
    for name, arguments in COMMANDS.items():
        times = measure(arguments)
        print(f"{name:24} fastest {min(times):4.0f}, median {statistics.median(times):4.0f} ms")


if __name__ == "__main__":
    main()
