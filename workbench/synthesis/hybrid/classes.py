"""Classes by precise rules first and a trained model for what no rule decides.

Rules are kept only as far as cross-validation shows that they cost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.synthesis.fragment import Fragment, RankedFragment
from workbench.synthesis.kinds import InputField, class_label
from workbench.synthesis.ml.classifier import Classifier, learn_classes
from workbench.synthesis.ml.folds import stratified_folds
from workbench.synthesis.rule.precise import induce_precise_rules
from workbench.synthesis.rule.structures import DecisionList, answer
from workbench.synthesis.rule.write_python import write_python
from workbench.synthesis.strategy import NotApplicableError, Progress

# How often rules are to be right together: the first of these that any rules reach.
PRECISIONS = (0.97, 0.9)
FOLDS, FEW_ROWS = 5, 120
# Rules are slow to find in many or long inputs: there a sample and fewer folds tell enough.
MAX_ROWS, MAX_CHARACTERS = 1500, 500_000
FEWER_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Cut:
    """Which of the rules found are kept: those of at least some worth, the worthiest few."""

    least_worth: float
    most_rules: int


# What is kept is the most that costs nothing in cross-validation.
CUTS = (
    *(Cut(least_worth, 24) for least_worth in (0.5, 0.9, 0.95, 0.97, 0.98, 0.99)),
    *(Cut(0.5, most_rules) for most_rules in (4, 2, 1)),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The rules of a cut in cross-validation: rows judged, right with rules and model together,
    decided by rules, and right of those."""

    cut: Cut
    rows: int
    right: int
    decided: int
    right_where_decided: int


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs with their labels, and what the model made of each when it had not seen it.

    `model_labels` holds None where a row was never held out.
    """

    inputs: Sequence[Mapping[str, Any]]
    labels: Sequence[Any]
    fields: Sequence[InputField]
    model_labels: Sequence[str | None]

    def some(self, rows: Sequence[int]) -> Examples:
        """The examples in these rows."""
        return Examples(
            [self.inputs[row] for row in rows],
            [self.labels[row] for row in rows],
            self.fields,
            [self.model_labels[row] for row in rows],
        )

    def rows(self) -> Iterator[tuple[Mapping[str, Any], Any, str]]:
        """Input, label, and the model's label, of every row that was held out once."""
        for data, label, by_model in zip(self.inputs, self.labels, self.model_labels, strict=True):
            if by_model is not None:
                yield data, label, by_model

    @property
    def model_right(self) -> int:
        """How many of these rows the model was right on."""
        return sum(class_label(label) == by_model for _, label, by_model in self.rows())


def learn_classes_by_rules(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[Any],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    latency_ms: float,
    max_bytes: int,
    progress: Progress,
) -> RankedFragment:
    """The rules and the model as one fragment `function(input_data)` -> (label, confidence).

    Raises NotApplicableError where no model can be trained or no rule is worth having.
    """
    classifier = next(
        learn_classes(
            inputs,
            values,
            fields,
            seed=seed,
            latency_ms=latency_ms,
            max_bytes=max_bytes,
            progress=progress,
        ),
        None,
    )
    if classifier is None:
        raise NotApplicableError("no model is small enough")
    progress("looking for rules that are at least as right as the model")
    every = Examples(inputs, values, fields, _held_out_labels(classifier, len(inputs)))
    examples = every.some(_sample(every, seed))
    judged = _judge(examples, seed, progress)
    by_model = examples.model_right
    found = _find(examples, seed)
    useful = [each for each in judged if each.decided > 0 and each.right >= by_model]
    for best in sorted(useful, key=lambda each: (-each.right, -each.decided)):
        rules = kept_rules(found, examples, best.cut)
        if rules.rules:
            return _fragment(classifier, rules, best, by_model, function)
    raise NotApplicableError(_refusal(judged, by_model))


def _find(examples: Examples, seed: int) -> DecisionList:
    for precision in PRECISIONS:
        found = induce_precise_rules(
            examples.inputs, examples.labels, examples.fields, min_precision=precision, seed=seed
        )
        if found.rules:
            break
    return found


def kept_rules(found: DecisionList, examples: Examples, cut: Cut) -> DecisionList:
    """The rules that the cut leaves, in their order.

    A rule may decide more when another goes, so all are looked at again until none goes.
    """
    kept = found
    while kept.rules:
        worths = _worths(kept, examples)
        ranked = sorted(range(len(worths)), key=lambda place: (-worths[place], place))
        few = set(ranked[: cut.most_rules])
        rules = [
            rule
            for place, (rule, worth) in enumerate(zip(kept.rules, worths, strict=True))
            if worth >= cut.least_worth and place in few
        ]
        if len(rules) == len(kept.rules):
            break
        kept = DecisionList(tuple(rules), None)
    return kept


def _worths(rules: DecisionList, examples: Examples) -> list[float]:
    """For each rule the share of rows it decides where it does not spoil a right answer of the
    model's, by Laplace; 0 where it spoils more answers than it mends."""
    decided, spoiled, mended = ([0] * len(rules.rules) for _ in range(3))
    single = [DecisionList((rule,), None) for rule in rules.rules]
    for data, label, by_model in examples.rows():
        for position, rule in enumerate(single):
            by_rule = answer(rule, data)
            if by_rule is not None:
                truth, given = class_label(label), class_label(by_rule[0])
                decided[position] += 1
                spoiled[position] += given != truth and by_model == truth
                mended[position] += given == truth and by_model != truth
                break
    return [
        (count - bad + 1) / (count + 2) if good >= bad else 0.0
        for count, bad, good in zip(decided, spoiled, mended, strict=True)
    ]


def _judge(examples: Examples, seed: int, progress: Progress) -> list[Judged]:
    """Rules of each worth on rows that they were not found in."""
    names = sorted({class_label(label) for label in examples.labels})
    codes = [names.index(class_label(label)) for label in examples.labels]
    folds = stratified_folds(codes, FOLDS if len(codes) <= FEW_ROWS else FEWER_FOLDS, seed)
    counts = {cut: [0, 0, 0, 0] for cut in CUTS}
    for fold in folds:
        known = examples.some([int(row) for row in fold.train])
        unseen = examples.some([int(row) for row in fold.held_out])
        found = _find(known, seed)
        for cut, totals in counts.items():
            rules = kept_rules(found, known, cut)
            for place, value in enumerate(_count(rules, unseen)):
                totals[place] += value
    judged = [Judged(cut, *totals) for cut, totals in counts.items()]
    most = max(judged, key=lambda each: (each.right, each.decided))
    progress(f"rules decide {most.decided} of {most.rows}, {most.right} right with them")
    return judged


def _count(rules: DecisionList, unseen: Examples) -> tuple[int, int, int, int]:
    """Rows judged, right with rules and model, decided by rules, right of those."""
    rows = right = decided = right_where_decided = 0
    for data, label, by_model in unseen.rows():
        by_rule = answer(rules, data)
        given = by_model if by_rule is None else class_label(by_rule[0])
        rows += 1
        right += given == class_label(label)
        if by_rule is not None:
            decided += 1
            right_where_decided += given == class_label(label)
    return rows, right, decided, right_where_decided


def _sample(examples: Examples, seed: int) -> list[int]:
    count = len(examples.labels)
    characters = sum(len(json.dumps(data)) for data in examples.inputs)
    share = min(1.0, MAX_ROWS / count, MAX_CHARACTERS / max(1, characters))
    order = np.random.default_rng(seed).permutation(count)
    return sorted(int(row) for row in order[: max(2, round(share * count))])


def _held_out_labels(classifier: Classifier, count: int) -> list[str | None]:
    """What the model gave each row when it was held out the first time."""
    labels: list[str | None] = [None] * count
    for row, chances in zip(classifier.rows, classifier.chances, strict=True):
        if labels[row] is None:
            labels[row] = class_label(classifier.labels[int(chances.argmax())])
    return labels


def _fragment(
    classifier: Classifier, rules: DecisionList, judged: Judged, by_model_right: int, function: str
) -> RankedFragment:
    by_rule = write_python(rules, f"{function}_by_rule")
    by_model = classifier.fragment(f"{function}_by_model")
    source = f'''def {function}(input_data):
    """What the first rule that holds says; where none does, what the model says."""
    decided = {function}_by_rule(input_data)
    return {function}_by_model(input_data) if decided is None else decided


{by_rule.source.strip()}


{by_model.source.strip()}
'''
    count = len(rules.rules)
    title = f"{count} rule{'s' if count > 1 else ''}, then {classifier.title}"
    accuracy = judged.right / judged.rows
    notes = (
        f"{count} rule{'s decide' if count > 1 else ' decides'} {judged.decided / judged.rows:.0%} "
        f"of the examples held out in turn, {judged.right_where_decided / judged.decided:.1%} of "
        f"them rightly; the model decides the rest. Together {accuracy:.1%} right, the model "
        f"alone {by_model_right / judged.rows:.1%}.",
        *by_model.notes,
    )
    fragment = Fragment(
        function, source, tuple(sorted({*by_rule.imports, *by_model.imports})), True, notes
    )
    return RankedFragment(fragment, accuracy, title, notes, rules)


def _refusal(judged: Sequence[Judged], by_model_right: int) -> str:
    fired = [each for each in judged if each.decided > 0]
    if not fired:
        return "no rule is precise enough to be put before the model"
    best = max(fired, key=lambda each: each.right)
    return (
        f"rules before the model would make it worse: in cross-validation {best.right} of "
        f"{best.rows} are right with them, {by_model_right} without; use ml"
    )
