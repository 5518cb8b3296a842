"""Labelled sets as whole tasks: the sample tasks of this repository, and the public sets.

Reads files; downloads nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import Example, TaskSpecification
from runtime.tasks import read_examples, read_task_file
from tests.benchmarks.labelled_sets import REPOSITORY, LabelledSet, load_set
from workbench.synthesis.examples_check import loose_key
from workbench.synthesis.kinds import FieldKind, OutputKind, class_label, input_fields, output_kind

SAMPLES = REPOSITORY / "sample_tasks"
DESCRIPTIONS = {
    "phase0_binary_sentiment_trivial": "Say whether the mood of the text is positive or negative.",
    "phase1_language_detection": "Say in which language the text is written.",
    "phase1_sentiment_3class": "Say whether a product review is positive, negative or neutral.",
    "phase1_spam_detection": "Say whether a message is spam or wanted (ham).",
}


@dataclass(frozen=True, slots=True)
class TaskSet:
    """A task with all its examples, no two inputs the same but for case and white space."""

    task: TaskSpecification
    is_class: bool

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def labels(self) -> list[str]:
        """What a split is stratified by: the class, where the output is one."""
        return [class_label(e.output) if self.is_class else "" for e in self.task.examples]

    def parts(self, share: float, seed: int = 0) -> tuple[list[Example], list[Example]]:
        """What is learned from, this share of each class, and what is judged by."""
        train, rest = self.as_labelled().parts(seed, share)
        examples = self.task.examples
        return [examples[row] for row in train], [examples[row] for row in rest]

    def as_labelled(self) -> LabelledSet:
        """For scikit-learn: texts joined where there are any, or a table without its gaps."""
        fields = input_fields(self.task, self.task.examples)
        has_text = any(field.kind is FieldKind.TEXT for field in fields)
        read: Callable[[dict[str, Any]], dict[str, Any]] = _as_text if has_text else _as_row
        inputs = tuple(read(dict(example.input)) for example in self.task.examples)
        return LabelledSet(self.name, inputs, tuple(self.labels), has_text)


def load_task_sets() -> list[TaskSet]:
    """All of them, the smallest first. Raises MissingSetError where a public one is not here."""
    sets = [*map(_public, DESCRIPTIONS), *map(_sample, sorted(SAMPLES.glob("*/task.yaml")))]
    return sorted(sets, key=lambda each: (len(each.task.examples), each.name))


def _sample(file: Any) -> TaskSet:
    task = read_task_file(file)
    return _set(task, read_examples(file.with_name("examples.jsonl"), task))


def _public(name: str) -> TaskSet:
    labelled = load_set(name)
    text = {"type": "string"}
    task = TaskSpecification(
        name=name.replace("_", "-"),
        description=DESCRIPTIONS[name],
        input_schema={"type": "object", "properties": {"text": text}, "required": ["text"]},
        output_schema={"enum": sorted(set(labelled.labels))},
    )
    rows = zip(labelled.inputs, labelled.labels, strict=True)
    return _set(task, [Example(input=data, output=label) for data, label in rows])


def _set(task: TaskSpecification, examples: Sequence[Example]) -> TaskSet:
    distinct = {loose_key(example.input): example for example in reversed(examples)}
    kept = list(distinct.values())
    random.Random(0).shuffle(kept)
    kind = output_kind(task.output_schema, [example.output for example in kept])
    whole = task.model_copy(update={"examples": tuple(kept)})
    return TaskSet(whole, kind is OutputKind.CLASS)


def _as_text(data: dict[str, Any]) -> dict[str, Any]:
    return {"text": "\n".join(str(value) for value in data.values() if value is not None)}


def _as_row(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
