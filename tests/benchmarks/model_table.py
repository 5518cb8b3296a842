"""Every strategy with the real small model and without it, beside plain scikit-learn.

`python -m tests.benchmarks.model_table --output FILE` measures the sample tasks and the public
sets with 5, 20 and 50 % to learn from, a JSON line for each cell; a run that was cut goes on
where FILE ends. `--show FILE` prints a table of what is there, `--show FILE --all` every figure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
# The test server is imported as its tests import it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ollama_server.app import OllamaState
from ollama_server.running import RunningOllama
from ollama_server.small_model import SmallModel, why_not

from runtime.models import Example, Strategy
from tests.benchmarks.model_cell import CONFIG, MODEL, RememberedAnswers, measure_cell
from tests.benchmarks.model_table_text import print_figures, print_table
from tests.benchmarks.sklearn_grid import best_pipeline
from tests.benchmarks.task_sets import TaskSet, load_task_sets
from workbench.language_model.server import OllamaServer
from workbench.synthesis.evaluation import wilson_interval
from workbench.synthesis.examples_check import MIN_EXAMPLES
from workbench.synthesis.kinds import class_label

SHARES = (0.05, 0.2, 0.5)
MAJORITY, SCIKIT_LEARN = "majority", "scikit-learn"
Key = tuple[str, float, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not there yet, or show what is; return the exit code."""
    options = _parse(arguments)
    if options.show:
        rows = _read(options.show)
        (print_figures if options.all else print_table)(rows)
        return 0
    if reason := why_not():
        sys.stderr.write(f"{reason}: pip install 'loopai-workbench[model-test]'\n")
        return 2
    done = {_key(row) for row in _read(options.output)}
    wanted = options.sets or ()
    sets = [each for each in load_task_sets() if not wanted or each.name in wanted]
    with _answers(options.output.with_suffix(".answers.jsonl")) as answers:
        for share in options.shares:
            for each in sets:
                for row in _measured(each, share, done, answers, options.seconds):
                    with options.output.open("a") as lines:
                        lines.write(json.dumps(row) + "\n")
                    sys.stderr.write(f"{each.name}, {share:.0%}: {row['by']}\n")
    print_table(_read(options.output))
    return 0


@contextmanager
def _answers(file: Path) -> Iterator[RememberedAnswers]:
    """The real model behind the API that the product speaks."""
    model = SmallModel()
    models = {MODEL: "2026-01-01T00:00:00Z"}
    try:
        with RunningOllama(OllamaState(answerer=model, models=models)) as server:
            yield RememberedAnswers(file, OllamaServer(server.url, CONFIG).answer)
    finally:
        model.close()


def _measured(
    each: TaskSet, share: float, done: set[Key], answers: RememberedAnswers, seconds: float
) -> Iterator[dict[str, Any]]:
    train, unseen = each.parts(share)
    head = {"set": each.name, "share": share, "train": len(train), "unseen": len(unseen)}
    outputs = Counter(class_label(example.output) for example in train)
    too_few = len(train) < MIN_EXAMPLES or (each.is_class and len(outputs) < 2)
    # One of each class, which is more than was asked for, stands for a larger share.
    if too_few or len(train) > 2 * share * (len(train) + len(unseen)):
        return
    if (each.name, share, MAJORITY) not in done:
        yield {**head, "by": MAJORITY, **_majority(outputs, unseen)}
    if (each.name, share, SCIKIT_LEARN) not in done:
        yield {**head, "by": SCIKIT_LEARN, **_scikit_learn(each, share, len(unseen))}
    for strategy in Strategy:
        if (each.name, share, strategy.value) not in done:
            figures = measure_cell(each.task, train, unseen, strategy.value, answers, seconds)
            yield {**head, "by": strategy.value, **figures}


def _majority(outputs: Counter[str], unseen: Sequence[Example]) -> dict[str, Any]:
    commonest = min(outputs, key=lambda label: (-outputs[label], label))
    return _share(sum(class_label(e.output) == commonest for e in unseen), len(unseen))


def _scikit_learn(each: TaskSet, share: float, unseen: int) -> dict[str, Any]:
    if not each.is_class:
        return {"none": "the output is no class"}
    labelled = each.as_labelled()
    title, accuracy = best_pipeline(labelled, [labelled.parts(0, share)], lambda text: None)
    return {**_share(round(accuracy * unseen), unseen), "program": title}


def _share(correct: int, count: int) -> dict[str, Any]:
    interval = [round(bound, 4) for bound in wilson_interval(correct, count)]
    return {"correct": correct, "accuracy": round(correct / count, 4), "interval": interval}


def _read(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


def _key(row: dict[str, Any]) -> Key:
    return row["set"], row["share"], row["by"]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.model_table", description=__doc__
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, help="measure, and append to this file")
    what.add_argument("--show", type=Path, help="print what this file holds")
    parser.add_argument("--all", action="store_true", help="with --show: every figure")
    parser.add_argument("--sets", nargs="+", help="only these")
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument(
        "--seconds", type=float, default=45, help="of the model in each synthesis (45)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
