"""What encryption at rest costs: serving, reading, querying and the disk, beside a plain log.

`python -m tests.benchmarks.encryption [--rounds N] [--seconds N] [--lines N] [--json]` alternates
plain and encrypted and gives the medians. It needs wrk.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader
from runtime.encryption.keys import new_key
from runtime.retention.compress import compress_log_file
from tests.benchmarks.serving.measuring import find_wrk, measure
from tests.benchmarks.serving.targets import Running, make_data_dir
from tests.support import TASK, RunningRuntime, log_line
from workbench.query import query

KINDS = ("plain", "encrypted")
CONNECTIONS = 32
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TURN = 30
SQL = "select output, count(*), avg(latency_ms) from executions group by 1"

say = Console(stderr=True)
Figures = dict[str, dict[str, float]]


def main() -> None:
    """Measure, and print a table or JSON."""
    options = _options()
    find_wrk()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        seen: dict[str, dict[str, list[float]]] = {}
        for number in range(options.rounds):
            for kind in KINDS if number % 2 == 0 else reversed(KINDS):
                say.print(f"round {number + 1} of {options.rounds}: {kind}")
                found = _serving(kind, place / f"{number}-{kind}", options.seconds)
                found |= _reading(kind, place / f"{number}-{kind}-log", options.lines)
                for name, value in found.items():
                    seen.setdefault(name, {}).setdefault(kind, []).append(value)
    table = {
        name: {kind: statistics.median(values[kind]) for kind in KINDS}
        for name, values in seen.items()
    }
    if options.json:
        print(json.dumps(table, indent=2))
    else:
        _print(table)


def _serving(kind: str, folder: Path, seconds: int) -> dict[str, float]:
    data_dir = make_data_dir(folder)
    _configure(kind, data_dir)
    with RunningRuntime(data_dir) as runtime:
        server = Running(kind, runtime.url, runtime.process.pid)
        measured = measure(server, CONNECTIONS, seconds)
        assert measured.failed == 0
        runtime.stop()
    return {
        "requests a second": measured.rate,
        "p99 ms": measured.p99,
        "CPU us a request": measured.cpu_us,
    }


def _reading(kind: str, folder: Path, count: int) -> dict[str, float]:
    data_dir = DataDir(folder)
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text("")
    _configure(kind, data_dir)
    log = ExecutionLog(data_dir.executions(TASK))
    lines = [log_line(number) for number in range(count)]

    def write() -> None:
        for start in range(0, count, TURN):
            log.append(lines[start : start + TURN], NOON)

    def read() -> None:
        assert sum(1 for _ in LogReader(log.folder).records()) == count

    def ask() -> None:
        assert sum(row[1] for row in query(data_dir, SQL).rows) == count

    figures = {"appended us a line": _seconds(write) * 1e6 / count}
    file = log.file
    assert file is not None
    log.close()
    figures["bytes a line"] = file.stat().st_size / count
    figures["read us a line"] = _seconds(read) * 1e6 / count
    figures["SQL seconds"] = _seconds(ask)
    size = compress_log_file(file)
    assert size is not None
    figures["compressed bytes a line"] = size / count
    figures["compressed, read us a line"] = _seconds(read) * 1e6 / count
    return figures


def _configure(kind: str, data_dir: DataDir) -> None:
    if kind == "encrypted":
        key = data_dir.root / "config" / "log.key"
        key.write_text(new_key())
        with data_dir.deployment_file.open("a") as file:
            file.write(f"encryption: {{key: {{file: {key}}}}}\n")


def _seconds(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _print(figures: Figures) -> None:
    table = Table("", *KINDS, "encrypted / plain")
    for name, values in figures.items():
        ratio = values["encrypted"] / values["plain"]
        table.add_row(name, *(f"{values[kind]:,.2f}" for kind in KINDS), f"{ratio:.2f}")
    Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
