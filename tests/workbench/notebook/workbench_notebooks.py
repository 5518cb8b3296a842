"""Notebooks for tests, over a data directory with one promoted program that took no synthesis."""

from __future__ import annotations

from pathlib import Path

from support import TASK, add_version, make_task, promote

from runtime.data_dir import DataDir
from workbench.notebook.document import Document, read_document
from workbench.notebook.engine import Engine, Progress
from workbench.notebook.interruption import Interruption
from workbench.notebook.output import Output
from workbench.notebook.session import Session, cell_states

BETTER = """
def run(input_data):
    text = input_data["text"].lower()
    return ("spam" if "buy" in text or "prize" in text else "ham", 0.9)
"""
TASK_CELL = """\
```task
name: spam-detection
description: Is this text spam?
input_schema:
  type: object
  properties:
    text: {type: string}
  required: [text]
output_schema:
  enum: [spam, ham]
```
"""
EXAMPLES_CELL = """\
```examples
{"input": {"text": "buy this now"}, "output": "spam"}
{"input": {"text": "win a prize"}, "output": "spam"}
{"input": {"text": "see you at noon"}, "output": "ham"}
{"input": {"text": "lunch today"}, "output": "ham"}
```
"""


def cell(kind: str, body: str = "") -> str:
    return f"```{kind}\n{body}\n```\n" if body else f"```{kind}\n```\n"


def prepared(tmp_path: Path, versions: int = 1) -> DataDir:
    """A data directory with one served version of the task, and perhaps a better one."""
    data_dir = DataDir(tmp_path / "data")
    task = make_task(data_dir)
    promote(data_dir, task)
    if versions > 1:
        add_version(data_dir, task, BETTER)
    assert TASK == "spam-detection"
    return data_dir


def written(tmp_path: Path, *cells: str) -> Path:
    """A notebook file with these cells."""
    file = tmp_path / "a.notebook.md"
    file.write_text("# A notebook\n\n" + "\n".join(cells), encoding="utf-8")
    return file


class Opened:
    """A notebook read with its session, and run."""

    def __init__(self, file: Path, data_dir: DataDir) -> None:
        self.document: Document = read_document(file)
        self.session = Session.read(file)
        self.data_dir = data_dir
        self.told: list[Progress] = []
        self.interruption = Interruption()

    @property
    def engine(self) -> Engine:
        return Engine(
            self.document, self.data_dir, self.session, self.told.append, self.interruption
        )

    def run(self) -> dict[str, Output]:
        engine = self.engine
        return {output.label: output for output in engine.run(engine.all_cells())}

    def stale(self) -> list[str]:
        return [self.document.blocks[index].label for index in self.engine.stale_cells()]

    def freshness(self) -> dict[str, str]:
        states = cell_states(self.document, self.session, self.data_dir)
        return {self.document.blocks[i].label: state.freshness for i, state in states.items()}
