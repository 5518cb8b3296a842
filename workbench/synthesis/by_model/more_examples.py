"""An embedded strategy given more to learn from: labelled by the model, and made up by it.

Only where there are few examples, and only where the model labels the known ones clearly better
than chance. Nothing of it is ever judged by: what is held out are the task's own examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime.models import Example, TaskSpecification
from workbench.synthesis.by_model.answers import UnusableAnswerError
from workbench.synthesis.by_model.calls import ModelCalls, ModelUnavailableError
from workbench.synthesis.by_model.labeller import Labeller
from workbench.synthesis.by_model.shares import Purse
from workbench.synthesis.examples_check import loose_key
from workbench.synthesis.kinds import OutputKind, class_label, output_kind
from workbench.synthesis.stages.invent import STYLES, invent
from workbench.synthesis.strategy import (
    Candidate,
    NotApplicableError,
    Progress,
    SynthesisStrategy,
)

FEW_EXAMPLES = 40
MAX_LABELLED = 60
LABELLED, SYNTHETIC = "labelled by a model", "synthetic"


@dataclass(frozen=True, slots=True)
class MadeExample:
    """An example that no person gave; `provenance` is LABELLED or SYNTHETIC."""

    example: Example
    provenance: str


class WithMoreExamples:
    """`inner` learns from the training examples and what the model adds to them."""

    def __init__(
        self,
        inner: SynthesisStrategy,
        calls: ModelCalls,
        unlabelled: Sequence[Mapping[str, Any]],
        known: Sequence[Example],
        purse: Purse,
    ) -> None:
        self.name = inner.name
        self.title = f"{inner.name} with the model's examples"
        self.made: list[MadeExample] = []
        self._inner = inner
        self._calls = calls
        self._all = known
        self._known = {loose_key(example.input) for example in known}
        self._unlabelled = [each for each in unlabelled if loose_key(each) not in self._known]
        self._purse = purse

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterator[Candidate]:
        """See `SynthesisStrategy.propose`."""
        outputs = [example.output for example in train]
        if output_kind(task.output_schema, outputs) is not OutputKind.CLASS:
            raise NotApplicableError("examples are labelled with classes, and the output is none")
        self.made = []
        reason = "the model labelled and made up nothing that can be used"
        with self._purse.session():
            try:
                by_label = {class_label(output): output for output in outputs}
                classes = [by_label[name] for name in sorted(by_label)]
                self._make(task, train, classes, progress)
            except ModelUnavailableError as end:
                reason = str(end)
                progress(f"stops asking: {end}")
        if not self.made:
            raise NotApplicableError(reason)
        more = [*train, *(made.example for made in self.made)]
        model = self._calls.choice.name
        counts = self._counts()
        for candidate in self._inner.propose(task, more, seed=seed, progress=progress):
            yield replace(
                candidate,
                label=f"{candidate.label}, with {counts} by {model}",
                notes=(*candidate.notes, f"Learned also from {counts} by {model}, unseen by you."),
                parameters={**candidate.parameters, "model": model},
                helped_by=model,
            )

    def _make(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        classes: Sequence[Any],
        progress: Progress,
    ) -> None:
        """Fill `made`. Raises NotApplicableError where the model is no labeller."""
        labeller = Labeller(self._calls, task, classes)
        progress(f"checks the model as labeller on {len(train)} known examples")
        verdict = labeller.check(train)
        if not verdict.trusted:
            raise NotApplicableError(verdict.words)
        progress(verdict.words)
        for example in self._all:
            # The next sessions judge by these: asked for now, while there is a budget for it.
            labeller.label(example.input)
        taken = set(self._known)
        for given in self._unlabelled[:MAX_LABELLED]:
            label = labeller.output(given)
            if label is not None:
                self._add(given, label[0], LABELLED, taken)
        progress(f"labelled {len(self.made)} of {len(self._unlabelled[:MAX_LABELLED])} inputs")
        for style in range(len(STYLES)):
            for output in classes:
                self._invent(task, labeller, output, style, taken)
        progress(f"has {self._counts()}")

    def _invent(
        self,
        task: TaskSpecification,
        labeller: Labeller,
        output: Any,
        style: int,
        taken: set[str],
    ) -> None:
        try:
            inputs = invent(self._calls, task, output, style=style)
        except UnusableAnswerError:
            return
        for given in inputs:
            # Made up for one output and taken for another: nobody knows which is right.
            if loose_key(given) not in taken and labeller.label(given) == class_label(output):
                self._add(given, output, SYNTHETIC, taken)

    def _add(self, given: Mapping[str, Any], output: Any, kind: str, taken: set[str]) -> None:
        if loose_key(given) not in taken:
            taken.add(loose_key(given))
            self.made.append(MadeExample(Example(input=dict(given), output=output), kind))

    def _counts(self) -> str:
        labelled = sum(made.provenance == LABELLED for made in self.made)
        return f"{labelled} labelled and {len(self.made) - labelled} made-up examples"
