"""`synthesize` cells: a program made by `loopai synthesize` in a child process.

The child may be interrupted at any moment, and what it computes slows no key press here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from runtime.models import Strategy, TaskSpecification
from workbench.notebook.cells.child import run_child
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, source_part, table_part, text_part
from workbench.synthesis.done_share import DoneShare, told

KEYS = ("strategies", "seed", "model")


@dataclass(frozen=True, slots=True)
class Options:
    """What a synthesize cell asks for; None where the command's own default holds."""

    strategies: tuple[str, ...] = ()
    seed: int | None = None
    model: str | None = None

    def arguments(self) -> list[str]:
        given = [argument for name in self.strategies for argument in ("--strategy", name)]
        if self.seed is not None:
            given += ["--seed", str(self.seed)]
        if self.model is not None:
            given += ["--model", self.model]
        return given


def check_synthesize(place: Place, task: TaskSpecification | None) -> Options:
    """The cell's options."""
    document, data = place.mapping(KEYS)
    names = data.get("strategies", [])
    names = [names] if isinstance(names, str) else names
    known = [each.value for each in Strategy]
    if not isinstance(names, list) or any(name not in known for name in names):
        document.fail("must name strategies.", ("strategies",), f"Known: {', '.join(known)}.")
    seed, model = data.get("seed"), data.get("model")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        document.fail("must be a whole number.", ("seed",))
    if model is not None and not isinstance(model, str):
        document.fail("must be the name of a model.", ("model",))
    return Options(tuple(names), seed, model)


def run_synthesize(work: Work) -> CellResult:
    """Make a version and show what was compared, what it decides by, and its source."""
    options = check_synthesize(work.place, None)
    task = work.task_name()
    arguments = ["synthesize", task, *options.arguments(), "--json"]
    arguments += ["--data-dir", str(work.data_dir.root)]
    done = DoneShare(options.strategies)

    def say(line: str) -> None:
        who, what = told(line)
        done.hear(who, what)
        work.say(f"{who}: {what}" if what else who, done.share)

    printed = run_child(arguments, say, work.interruption)
    answer: dict[str, Any] = json.loads(printed)
    version = int(answer["version"])
    rows = [
        (
            ("* " if row["chosen"] else "") + row["strategy"],
            row["label"],
            _percent(row["accuracy"]),
            f"{_percent(row['low'])} to {_percent(row['high'])}",
            round(row["p99_ms"], 3),
            row["bytes"],
            round(row["seconds"], 1),
        )
        for row in answer["candidates"]
    ]
    columns = ("strategy", "program", "accuracy", "95 % interval", "p99 ms", "bytes", "s")
    skipped = [f"{name}: not used, {reason}" for name, reason in answer["skipped"].items()]
    parts = [
        table_part(columns, rows),
        *(text_part(line, "dim") for line in skipped),
        text_part(answer["explanation"]),
        *(text_part(f"note: {line}", "warn") for line in answer["warnings"]),
        source_part(work.store.read(task, version).code, "python"),
    ]
    accuracy = _percent(answer["evaluation"]["accuracy"])
    return CellResult(
        f"{task} v{version} ({answer['chosen']}): {accuracy} right on unseen examples",
        tuple(parts),
        {"version": version},
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"
