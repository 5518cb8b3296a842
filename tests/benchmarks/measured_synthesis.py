"""One synthesis in a process of its own: how right, how large, how fast, how much memory.

`python -m tests.benchmarks.measured_synthesis SET STRATEGY SEED` prints one JSON object.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from runtime.models import Example, Strategy, TaskSpecification
from runtime.sandbox import Sandbox
from tests.benchmarks.labelled_sets import REPOSITORY, LabelledSet, load_set
from workbench.synthesis.evaluation import percentile
from workbench.synthesis.strategies import load_strategies
from workbench.synthesis.strategy import NotApplicableError

KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One program: share of held-out examples right, bytes, ms in the sandbox, s, MB."""

    accuracy: float
    bytes: int
    p50_ms: float
    p99_ms: float
    seconds: float
    peak_mb: float
    label: str


def measure(labelled: LabelledSet, strategy: Strategy, seed: int) -> Measured:
    """Synthesize from one half and judge by the other. Raises NotApplicableError."""
    train, held_out = labelled.halves(seed)
    task = TaskSpecification(
        name="a-set",
        description=f"Label the input as in the set {labelled.name}.",
        input_schema={"type": "object"},
        output_schema={"enum": sorted(set(labelled.labels))},
    )
    examples = [Example(input=labelled.inputs[n], output=labelled.labels[n]) for n in train]
    (chosen,) = load_strategies([strategy])
    started = time.monotonic()
    candidate = next(iter(chosen.propose(task, examples, seed=seed)), None)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTE
    if candidate is None:
        raise NotApplicableError("it proposed nothing")
    with Sandbox() as sandbox:
        program = sandbox.load(candidate.source)
        results = sandbox.run(program, [labelled.inputs[n] for n in held_out])
    right = [
        result.ok and result.output == labelled.labels[n]
        for n, result in zip(held_out, results, strict=True)
    ]
    times = [result.latency_ms for result in results]
    return Measured(
        accuracy=sum(right) / len(right),
        bytes=len(candidate.source.encode()),
        p50_ms=percentile(times, 50),
        p99_ms=percentile(times, 99),
        seconds=seconds,
        peak_mb=peak,
        label=candidate.label,
    )


def measure_apart(name: str, strategy: Strategy, seed: int) -> Measured | str:
    """`measure` in a child process; the reason in words where the strategy has nothing."""
    command = [sys.executable, "-m", "tests.benchmarks.measured_synthesis"]
    done = subprocess.run(
        [*command, name, strategy.value, str(seed)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it ended without a word"]
        raise RuntimeError(f"{strategy} on {name}, seed {seed}: {lines[-1]}")
    answer = json.loads(done.stdout)
    return answer["not_applicable"] if "not_applicable" in answer else Measured(**answer)


def main() -> None:
    """Measure what the command line names."""
    name, strategy, seed = sys.argv[1:]
    try:
        found = asdict(measure(load_set(name), Strategy(strategy), int(seed)))
    except NotApplicableError as reason:
        found = {"not_applicable": str(reason)}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
