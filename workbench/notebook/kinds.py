"""The kinds of cell a notebook may hold: what each is for, and how one is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["yaml", "json", "sql"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of cell. `template` is what a new one holds; `language` colours its editor;
    `options` are the attributes it may have after its name, besides `name`."""

    name: str
    summary: str
    template: str
    language: Language
    options: tuple[str, ...] = ()


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "task",
            "The task in YAML, or `file: task.yaml`. Writes it into the data directory.",
            """\
name: my-task
description: Say in words what the program should do.
input_schema:
  type: object
  properties:
    text: {type: string}
  required: [text]
output_schema:
  enum: ["yes", "no"]
""",
            "yaml",
        ),
        Kind(
            "examples",
            "Examples, one JSON object a line, or `file: examples.jsonl`. Added to the task's; "
            "an equal input takes the new output, nothing is removed.",
            '{"input": {"text": "a text"}, "output": "yes"}\n',
            "json",
        ),
        Kind(
            "synthesize",
            "Makes a program from the task's examples and stores it as a version. Optional YAML: "
            "`strategies: [rule, ml]`, `seed: 7`, `model: NAME`.",
            "seed: 0\n",
            "yaml",
        ),
        Kind(
            "try",
            "Runs the program in the sandbox on inputs, one JSON object a line.",
            '{"text": "a text"}\n',
            "json",
            ("version",),
        ),
        Kind(
            "expect",
            'Must hold, or the run fails: lines such as {"input": ..., "output": ...}, '
            "`accuracy >= 90%`, `p99_ms < 10`.",
            "accuracy >= 80%\np99_ms < 10\n",
            "json",
            ("version",),
        ),
        Kind(
            "sql",
            "One SELECT (DuckDB) over the views `executions` and `examples`.",
            "select output, count(*) as examples from examples group by 1 order by 2 desc\n",
            "sql",
            ("limit",),
        ),
        Kind(
            "chart",
            "YAML: `kind` (bar, line, scatter, histogram), `x`, `y`, `sql`, and as you like "
            "`color`, `title`.",
            "kind: bar\nx: output\ny: examples\n"
            "sql: select output, count(*) as examples from examples group by 1 order by 1\n",
            "yaml",
        ),
        Kind(
            "compare",
            "Two versions: figures, answers that differ, source. Empty: this notebook's newest "
            "with the one before; or YAML `old: v1`, `new: v2`.",
            "",
            "yaml",
        ),
        Kind(
            "promote",
            "Makes a version serve: `now` (the one made above), `staged` or `v2`. Not done when "
            "an `expect` above it fails.",
            "now\n",
            "yaml",
        ),
    )
}
