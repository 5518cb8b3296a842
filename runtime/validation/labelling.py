"""A person as the oracle: the queue of samples that wait, and what is said of each.

Used by `loopai label` and by the app; it prints nothing. Labels are kept at once, may be taken
back until the session ends, and become validations then, or by the steward if the session dies.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal

from runtime.clock import Clock, utc_now
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.models import TaskSpecification
from runtime.schema_check import SchemaCheck
from runtime.steward import samples
from runtime.steward.samples import Sample
from runtime.steward.state import open_state
from runtime.tasks import load_task
from runtime.validation import queue
from runtime.validation.oracles import make_comparisons
from runtime.validation.settle import recover
from runtime.validation.worker import settle_labels


class Labelling:
    """One session of labelling; `task` is loaded without examples. On one thread.

    Raises NotFoundError and InvalidInputError as `load_task` does.
    """

    def __init__(self, data_dir: DataDir, task: str, clock: Clock = utc_now) -> None:
        self.task: TaskSpecification = load_task(data_dir, task, with_examples=False)
        self._data_dir = data_dir
        self._clock = clock
        config = load_deployment(data_dir.deployment_file)
        self._comparisons = make_comparisons(data_dir, config, self.task)
        self._check = SchemaCheck(self.task.output_schema, "output_schema")
        self._state = open_state(data_dir, queue.TABLES)
        self._made: list[str] = []

    def waiting(self, limit: int = 100) -> list[Sample]:
        """Samples nobody has labelled yet, newest first."""
        return queue.unanswered(self._state.connection, self.task.name, limit)

    @property
    def labelled(self) -> int:
        """Labels of this session that may still be taken back."""
        return len(self._made)

    def counts(self) -> dict[str, int]:
        """How many samples wait, are done and were skipped."""
        return samples.count_by_state(self._state.connection, self.task.name)

    def accept(self, execution_id: str) -> None:
        """The program was right. Raises InvalidInputError where it gave no answer."""
        sample = self._sample(execution_id)
        if sample.status != "success":
            raise InvalidInputError(
                Problem(
                    f"{execution_id} has no output to accept: it ended with {sample.status}.",
                    remedy="Give the right output, or skip it.",
                )
            )
        self._keep(execution_id, "answer", sample.output)

    def correct(self, execution_id: str, output: Any) -> None:
        """What the output should have been. Raises InvalidInputError against the schema."""
        self._sample(execution_id)
        if failures := self._check.errors(output):
            raise InvalidInputError(
                [
                    Problem(
                        f"{failure.message}.",
                        self._data_dir.task_file(self.task.name),
                        field="output" + failure.path.replace("/", "."),
                        remedy="The output must follow output_schema of the task.",
                    )
                    for failure in failures
                ]
            )
        self._keep(execution_id, "answer", output)

    def skip(self, execution_id: str) -> None:
        """Nobody can tell: it leaves the queue without an answer."""
        self._sample(execution_id)
        self._keep(execution_id, "skip", None)

    def undo(self) -> Sample | None:
        """Take the last label of this session back; the sample, or None when there is none."""
        while self._made:
            name = self._made.pop()
            with self._state.transaction() as connection:
                if queue.take_label_back(connection, name):
                    return samples.find_sample(connection, name)
        return None

    def finish(self) -> int:
        """Make this session's labels final and write their validations; returns how many."""
        with self._state.transaction() as connection:
            queue.make_labels_final(connection, self._made, self._clock())
        recover(self._data_dir, self._state, self.task.name, self._clock())
        count = len(self._made)
        self._made = []
        while settle_labels(
            self._data_dir, self._state, self.task.name, self._comparisons, self._clock
        ):
            pass
        return count

    def close(self) -> None:
        self._state.close()

    def __enter__(self) -> Labelling:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _sample(self, execution_id: str) -> Sample:
        sample = samples.find_sample(self._state.connection, execution_id)
        if sample is None or sample.task != self.task.name or sample.state != "waiting":
            reason = "is not in the queue" if sample is None else f"is {sample.state} already"
            raise NotFoundError(
                Problem(
                    f"{execution_id} {reason}.",
                    remedy=f"See: loopai label {self.task.name} --json",
                )
            )
        return sample

    def _keep(self, execution_id: str, verdict: Literal["answer", "skip"], output: Any) -> None:
        with self._state.transaction() as connection:
            queue.put_label(connection, execution_id, verdict, output, self._clock(), final=False)
        self._made.append(execution_id)
