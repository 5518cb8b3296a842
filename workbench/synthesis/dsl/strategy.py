"""Induces rule documents from examples and proposes the programs they compile to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runtime.models import Example, Strategy, TaskSpecification
from workbench.synthesis.dsl.compiling import compile_rules
from workbench.synthesis.dsl.document import RulesDocument, from_structure
from workbench.synthesis.dsl.induction import (
    Found,
    NothingFoundError,
    induce_object,
    induce_value,
)
from workbench.synthesis.dsl.writing import dump_rules
from workbench.synthesis.kinds import OutputKind, input_fields, output_kind
from workbench.synthesis.rule.inducer import induce_classes
from workbench.synthesis.rule.structures import DecisionList, Outcome, PointScore, Split, Structure
from workbench.synthesis.strategy import Candidate, NotApplicableError, Progress

LEAST_EXAMPLES = 4


class DslStrategy:
    """Classes by rules, scores and defaults; objects and values by extraction and lookup."""

    name = Strategy.DSL

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterable[Candidate]:
        """Yield candidates, best guess first; each carries its document in `dsl`.

        Raises NotApplicableError with the reason in words.
        """
        if len(train) < LEAST_EXAMPLES:
            raise NotApplicableError(
                f"{len(train)} examples are too few to see a pattern; {LEAST_EXAMPLES} are needed"
            )
        kind = output_kind(task.output_schema, [example.output for example in train])
        if kind is OutputKind.CLASS:
            return self._by_rules(task, train, seed, progress)
        if kind is OutputKind.OTHER:
            raise NotApplicableError("a rule document makes classes, texts, numbers and objects")
        fields = input_fields(task, train)
        progress("looking for a pattern that all examples share")
        try:
            induce = induce_object if kind is OutputKind.OBJECT else induce_value
            found = induce(train, fields)
        except NothingFoundError as error:
            raise NotApplicableError(f"no rule document says this: {error}") from None
        return [_candidate(task, each.title, _described(each), _notes(each)) for each in found]

    def _by_rules(
        self, task: TaskSpecification, train: Sequence[Example], seed: int, progress: Progress
    ) -> Iterator[Candidate]:
        fields = input_fields(task, train)
        inputs = [example.input for example in train]
        labels = [example.output for example in train]
        induced = induce_classes(
            inputs, labels, fields, function="answer", seed=seed, progress=progress
        )
        for each in induced:
            structure = each.structure
            assert isinstance(structure, DecisionList | Split | Outcome | PointScore)
            document = from_structure(structure, " ".join(each.notes))
            yield _candidate(task, _class_title(structure, each.title), document, each.notes)


def _class_title(structure: Structure, title: str) -> str:
    match structure:
        case DecisionList(rules, _):
            return f"{title}, {len(rules)} rules"
        case PointScore(_, points, _):
            return f"{title}, {len(points)} entries"
        case _:
            return f"{title} as rules"


def _described(found: Found) -> RulesDocument:
    return replace(found.document, about=" ".join(_notes(found)))


def _notes(found: Found) -> tuple[str, ...]:
    how = found.title[:1].upper() + found.title[1:]
    return (
        f"{how}.",
        f"Right on {100 * found.right:.4g} % of the training examples.",
        "Answers null to any other text.",
    )


def _candidate(
    task: TaskSpecification, title: str, document: RulesDocument, notes: Sequence[str]
) -> Candidate:
    source = compile_rules(document, task)
    return Candidate(Strategy.DSL, title, source, tuple(notes), dsl=dump_rules(document))
