"""Held-out accuracy of every strategy beside plain scikit-learn.

`python -m tests.benchmarks.accuracy [--quick] [--json]` takes half of each set for training
and gives the mean of seeded splits, with no input on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from runtime.models import Strategy
from tests.benchmarks.labelled_sets import (
    LabelledSet,
    MissingSetError,
    load_set,
    set_names,
)
from tests.benchmarks.measured_synthesis import Measured, measure_apart
from tests.benchmarks.sklearn_grid import best_pipeline
from workbench.synthesis.evaluation import wilson_interval

SEEDS = 5
QUICK_SEEDS = 2
HEADINGS = ("accuracy", "95 % interval", "bytes", "p50 ms", "p99 ms", "seconds", "peak MB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table (or JSON), and return the exit code."""
    options = _parse(arguments)
    seeds = range(QUICK_SEEDS if options.quick else SEEDS)
    strategies = [Strategy(name) for name in options.strategies]
    report = []
    for name in options.sets:
        try:
            labelled = load_set(name)
        except MissingSetError as reason:
            _say(f"{name} is left out: {reason}", lasting=True)
            continue
        rows = {"set": name, "examples": len(labelled.labels), "majority": labelled.majority}
        rows["strategies"] = {
            strategy.value: _measure(labelled, strategy, seeds) for strategy in strategies
        }
        if not options.no_grid:
            splits = [labelled.halves(seed) for seed in seeds]
            title, accuracy = best_pipeline(labelled, splits, _say)
            rows["scikit_learn"] = {"pipeline": title, "accuracy": accuracy}
        report.append(rows)
        if not options.json:
            _print_set(rows)
    if options.json:
        json.dump({"seeds": len(seeds), "sets": report}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    return 0 if report else 2


def _measure(labelled: LabelledSet, strategy: Strategy, seeds: range) -> dict[str, Any]:
    measured: list[Measured] = []
    for seed in seeds:
        _say(f"{labelled.name}: {strategy}, split {seed + 1} of {len(seeds)}")
        found = measure_apart(labelled.name, strategy, seed)
        if isinstance(found, str):
            return {"not_applicable": found}
        measured.append(found)
    judged = len(labelled.halves(0)[1])
    mean = sum(each.accuracy for each in measured) / len(measured)
    return {
        "accuracy": mean,
        # Splits overlap, so the interval is that of one half judged, not of all together.
        "interval": wilson_interval(round(mean * judged), judged),
        "by_split": [each.accuracy for each in measured],
        "bytes": max(each.bytes for each in measured),
        "p50_ms": max(each.p50_ms for each in measured),
        "p99_ms": max(each.p99_ms for each in measured),
        "seconds": max(each.seconds for each in measured),
        "peak_mb": max(each.peak_mb for each in measured),
        "labels": [each.label for each in measured],
    }


def _print_set(rows: dict[str, Any]) -> None:
    _say("")
    sys.stdout.write(f"\n{rows['set']}: {rows['examples']} distinct examples\n")
    sys.stdout.write(f"  {'':<14}{''.join(f'{heading:>16}' for heading in HEADINGS)}\n")
    sys.stdout.write(f"  {'majority':<14}{rows['majority']:>16.1%}\n")
    for name, found in rows["strategies"].items():
        if "not_applicable" in found:
            sys.stdout.write(f"  {name:<14}{'-':>16}  {found['not_applicable']}\n")
            continue
        low, high = found["interval"]
        cells = [
            f"{found['accuracy']:.2%}",
            f"{low:.1%} - {high:.1%}",
            f"{found['bytes']:,}",
            f"{found['p50_ms']:.2f}",
            f"{found['p99_ms']:.2f}",
            f"{found['seconds']:.1f}",
            f"{found['peak_mb']:.0f}",
        ]
        sys.stdout.write(f"  {name:<14}{''.join(f'{cell:>16}' for cell in cells)}\n")
    best = rows.get("scikit_learn")
    if best:
        sys.stdout.write(f"  {'scikit-learn':<14}{best['accuracy']:>16.2%}  {best['pipeline']}\n")
    sys.stdout.flush()


def _say(text: str, *, lasting: bool = False) -> None:
    """Progress on one line of a terminal; what is lasting stays."""
    if lasting:
        sys.stderr.write(f"{text}\n")
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
    elif text:
        sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy", description=__doc__
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} splits, not {SEEDS}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--no-grid", action="store_true", help="leave plain scikit-learn out")
    parser.add_argument("--sets", nargs="+", choices=set_names(), default=set_names())
    names = [strategy.value for strategy in Strategy]
    parser.add_argument("--strategies", nargs="+", choices=names, default=names)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
