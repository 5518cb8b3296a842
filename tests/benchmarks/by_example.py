"""How many string tasks are solved from three examples, how fast, and with how long a program.

`python -m tests.benchmarks.by_example [--json]` solves every task of the YAML files beside the
tests of `workbench.synthesis.by_example` and checks the program on the task's other examples,
in the sandbox.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from runtime.sandbox import Sandbox
from tests.workbench.synthesis.by_example.string_tasks import (
    FILES,
    Outcome,
    load_tasks,
    solve_task,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve, print a table (or JSON), and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--sets", nargs="*", default=FILES, choices=FILES)
    options = parser.parse_args(arguments)
    report: dict[str, list[Outcome]] = {}
    with Sandbox() as sandbox:
        for name in options.sets:
            report[name] = [solve_task(task, sandbox) for task in load_tasks(name)]
    if options.json:
        print(json.dumps({k: [asdict(o) for o in v] for k, v in report.items()}, default=str))
        return 0
    for name, outcomes in report.items():
        _print_table(name, outcomes)
    return 0


def _print_table(name: str, outcomes: Sequence[Outcome]) -> None:
    width = max(len(outcome.name) for outcome in outcomes)
    print(f"\n{name}\n{'task':{width}}  solved  seconds  lines")
    for outcome in outcomes:
        solved = "yes" if outcome.solved else "no"
        print(f"{outcome.name:{width}}  {solved:>6}  {outcome.seconds:7.2f}  {outcome.lines:5}")
    solved = sum(outcome.solved for outcome in outcomes)
    slowest = max(outcome.seconds for outcome in outcomes)
    share = 100 * solved / len(outcomes)
    print(f"{solved} of {len(outcomes)} solved ({share:.1f} %), slowest {slowest:.2f} s")


if __name__ == "__main__":
    raise SystemExit(main())
