"""The runtime beside bare uvicorn and FastAPI: throughput, latency, CPU, memory, on this machine.

`python -m tests.benchmarks.serve [--quick] [--json] [--plot FILE] [--steady MINUTES]` alternates
the servers, one HTTP worker each, and gives the median of the rounds. It needs wrk. Where a machine
has other work, many short rounds of few servers compare best: `--rounds 12 --seconds 2
--connections 32 --servers "bare uvicorn" "loopai process"`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots
from rich.console import Console
from rich.table import Table

from runtime.sandbox import Sandbox
from tests.benchmarks.serving.batches import send_batch
from tests.benchmarks.serving.measuring import (
    Measured,
    cpu_seconds,
    find_wrk,
    measure,
    memory_mb,
)
from tests.benchmarks.serving.steady import offer
from tests.benchmarks.serving.targets import NAMES, PROGRAM, make_data_dir, running
from tests.support import RunningRuntime, wait_until

CONNECTIONS = (1, 32, 256)
BARE = "bare uvicorn"
STEADY_RATE = 10_000
BATCH_ROWS = 300_000
CHUNK = 1000

say = Console(stderr=True)


def main() -> None:
    """Measure, and print a table or JSON."""
    options = _options()
    find_wrk()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        results["start"] = _measure_start(place / "start")
        table = _measure_all(place, options)
        results["load"] = [asdict(row) for row in table]
        results["batch"] = _measure_batches(place / "batch")
        if options.steady:
            results["steady"] = _measure_steady(place / "steady", options)
    if options.plot:
        _draw(table, options.plot)
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        _print(table, results)


def _measure_all(place: Path, options: argparse.Namespace) -> list[Measured]:
    """The median of the rounds of every server under every number of connections."""
    seen: dict[tuple[str, int], list[Measured]] = {}
    for number in range(1, options.rounds + 1):
        for name in options.servers:
            say.print(f"round {number} of {options.rounds}: {name}")
            with running(name, place / f"{number}-{name.replace(' ', '-')}") as server:
                for connections in options.connections:
                    measured = measure(server, connections, options.seconds)
                    seen.setdefault((name, connections), []).append(measured)
    return [_median(rows) for rows in seen.values()]


def _median(rows: Sequence[Measured]) -> Measured:
    figures: dict[str, Any] = {
        field.name: statistics.median(getattr(row, field.name) for row in rows)
        for field in fields(Measured)
        if field.name != "name"
    }
    return Measured(**{**figures, "name": rows[0].name, "failed": sum(r.failed for r in rows)})


def _measure_start(place: Path) -> dict[str, float]:
    """Seconds from the command to the first answer of /ready, and the memory of everything that
    runs then, the steward too, when idle."""
    data_dir = make_data_dir(place)
    seconds = []
    for _ in range(3):
        started = perf_counter()
        with RunningRuntime(data_dir, steward=True) as runtime:
            while not runtime.http.get("/ready").is_success:
                pass
            seconds.append(perf_counter() - started)
            wait_until(lambda: "loopai_steward_up 1.0" in runtime.http.get("/metrics").text, 60)
            memory = memory_mb(runtime.process.pid)
            runtime.stop()
    return {"cold_start_seconds": statistics.median(seconds), "idle_pss_mb": memory}


def _measure_batches(place: Path) -> dict[str, float]:
    """Executions a second: through HTTP as JSON lines, and through the sandbox alone."""
    say.print(f"a batch of {BATCH_ROWS:,} over HTTP")
    with RunningRuntime(make_data_dir(place)) as runtime:
        send_batch(runtime.url, BATCH_ROWS // 10)
        over_http = max(send_batch(runtime.url, BATCH_ROWS).rate for _ in range(3))
        runtime.stop()
    inputs = [{"text": f"Buy {number} of them now!"} for number in range(CHUNK)]
    rates = []
    with Sandbox() as sandbox:
        program = sandbox.load(PROGRAM.read_text())
        for _ in range(100):
            started = perf_counter()
            sandbox.run(program, inputs)
            rates.append(CHUNK / (perf_counter() - started))
    return {"http_per_second": over_http, "sandbox_per_second": statistics.median(rates)}


def _measure_steady(place: Path, options: argparse.Namespace) -> dict[str, float]:
    """A steady `STEADY_RATE`: latencies in ms, failures, memory after a tenth and at the end."""
    seconds = options.steady * 60
    say.print(f"{STEADY_RATE:,} requests a second for {seconds:.0f} s")
    with RunningRuntime(make_data_dir(place), steward=options.steward) as runtime:
        pid = runtime.process.pid
        first = offer(runtime.url, STEADY_RATE, seconds / 10)
        early = memory_mb(pid)
        began, ours, theirs = perf_counter(), process_time(), cpu_seconds(pid)
        rest = offer(runtime.url, STEADY_RATE, seconds * 0.9)
        took = perf_counter() - began
        ours, theirs = process_time() - ours, cpu_seconds(pid) - theirs
        late = memory_mb(pid)
        runtime.stop()
    return {
        "offered": first.offered + rest.offered,
        "answered": first.answered + rest.answered,
        "failed": first.failed + rest.failed,
        "p50": rest.percentile(0.5),
        "p99": rest.percentile(0.99),
        "p999": rest.percentile(0.999),
        "memory_mb_early": early,
        "memory_mb_late": late,
        # The load comes from this machine too, and takes its share of the processors.
        "processors_of_the_load": ours / took,
        "processors_of_the_server": theirs / took,
    }


def _print(table: Sequence[Measured], results: dict[str, Any]) -> None:
    console = Console(width=110)
    shown = Table(
        box=None, title="One HTTP worker each; latency in ms, CPU in µs a request, memory in MB"
    )
    for title in ("server", "connections", "requests/s", "of bare", "p50", "p99", "p99.9"):
        shown.add_column(title, justify="left" if title == "server" else "right")
    for title in ("CPU", "memory", "failed"):
        shown.add_column(title, justify="right")
    for row, share in _with_shares(table):
        shown.add_row(
            row.name, str(int(row.connections)), f"{row.rate:,.0f}", f"{share:.2f}",
            f"{row.p50:.2f}", f"{row.p99:.2f}", f"{row.p999:.2f}",
            f"{row.cpu_us:.1f}", f"{row.memory_mb:.0f}", str(row.failed),
        )  # fmt: skip
    console.print(shown)
    for title in ("start", "batch", "steady"):
        for name, value in results.get(title, {}).items():
            console.print(f"{title}: {name.replace('_', ' ')} {value:,.2f}", highlight=False)


def _with_shares(table: Sequence[Measured]) -> Iterator[tuple[Measured, float]]:
    bare = {row.connections: row.rate for row in table if row.name == BARE}
    for row in sorted(table, key=lambda row: (row.connections, NAMES.index(row.name))):
        yield row, row.rate / bare.get(row.connections, float("nan"))


def _draw(table: Sequence[Measured], file: Path) -> None:
    """Throughput and p99 by server, a group of bars for each number of connections."""
    figure = make_subplots(rows=1, cols=2, subplot_titles=("requests/s", "p99, ms"))
    for number, connections in enumerate(sorted({row.connections for row in table})):
        rows = [row for row in table if row.connections == connections]
        for column, field in enumerate(("rate", "p99"), start=1):
            figure.add_trace(
                go.Bar(
                    x=[row.name for row in rows],
                    y=[getattr(row, field) for row in rows],
                    name=f"{connections} connections",
                    marker_color=("#9ecae1", "#4292c6", "#084594")[number % 3],
                    showlegend=column == 1,
                ),
                row=1,
                col=column,
            )
    figure.update_yaxes(type="log", row=1, col=2)
    figure.update_layout(template="plotly_white", title="Serving on this machine")
    figure.write_html(file, include_plotlyjs=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of two seconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="of each load")
    parser.add_argument("--servers", nargs="+", choices=NAMES, default=NAMES, metavar="SERVER")
    parser.add_argument("--connections", nargs="+", type=int, default=CONNECTIONS)
    parser.add_argument("--steady", type=float, default=0, help="minutes of steady load")
    parser.add_argument("--steward", action="store_true", help="and the steward reads on meanwhile")
    parser.add_argument("--plot", type=Path, help="an HTML file to draw it in")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 2
    return options


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"wrk failed: {error.stderr}")
