"""Tasks as their files last said, read again only when a file has changed."""

from __future__ import annotations

import logging

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from runtime.tasks import load_task

logger = logging.getLogger("loopai.steward")

Seen = tuple[int, int, int, int]


class TaskCache:
    """Reads `task.yaml`, and `examples.jsonl` beside it where that is wanted."""

    def __init__(self, data_dir: DataDir, *, with_examples: bool = False) -> None:
        self._data_dir = data_dir
        self._with_examples = with_examples
        self._known: dict[str, tuple[Seen, TaskSpecification | None]] = {}

    def get(self, task: str) -> TaskSpecification | None:
        """The task; None where it is gone or unsound, which is said once."""
        seen = self._look(task)
        known = self._known.get(task)
        if known is None or known[0] != seen:
            loaded = None
            try:
                loaded = load_task(self._data_dir, task, with_examples=self._with_examples)
            except LoopaiError as error:
                logger.warning("the task %s cannot be read: %s", task, error)
            known = self._known[task] = (seen, loaded)
        return known[1]

    def _look(self, task: str) -> Seen:
        found: list[int] = []
        for file in (self._data_dir.task_file(task), self._data_dir.examples_file(task)):
            try:
                there = file.stat()
                found += (there.st_mtime_ns, there.st_size)
            except OSError:
                found += (0, 0)
        return found[0], found[1], found[2], found[3]
