"""From examples with class labels to readable programs, best first.

Learns from what it is given and nothing else; estimates by cross-validation inside it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runtime.strict_json import canonical
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import FieldKind, InputField, class_label
from workbench.synthesis.rule.classes import Classes
from workbench.synthesis.rule.features import build_table
from workbench.synthesis.rule.selection import (
    FAMILIES,
    Estimate,
    estimate,
    simplest_of_the_best,
    train,
)
from workbench.synthesis.rule.sharpening import sharpened
from workbench.synthesis.rule.structures import (
    ConditionPoints,
    DecisionList,
    Outcome,
    PointScore,
    Structure,
    TermPoints,
)
from workbench.synthesis.rule.table import FeatureTable
from workbench.synthesis.rule.write_python import write_python
from workbench.synthesis.strategy import Progress

# A score is harder to follow than a list or a tree: it comes first only when it is better by
# more than this many standard errors.
HANDICAP = 0.5
REMEMBERED = 16
MAX_EXAMPLES = 8000  # rules a person can read need no more

Found = tuple[Estimate, Structure]
_remembered: dict[bytes, list[Found]] = {}


def induce_classes(
    inputs: Sequence[Mapping[str, Any]],
    labels: Sequence[Any],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    prefix: str | None = None,
    progress: Progress = lambda message: None,
) -> list[RankedFragment]:
    """Programs of several kinds that tell the label from the input, best first.

    `labels` are JSON values, one an input. Each fragment's function returns
    (label, confidence); its `structure` is a DecisionList, a tree or a PointScore; its score is
    the accuracy in cross-validation. Of very many examples a seeded sample is used. Names in
    the source begin with `prefix` (by default the function's name). Raises ValueError when
    there are no examples.
    """
    if not inputs or len(inputs) != len(labels):
        raise ValueError("each input needs a label, and one input at least is needed")
    if len(inputs) > MAX_EXAMPLES:
        progress(f"learning from {MAX_EXAMPLES} of {len(inputs)} examples")
        rows = sorted(random.Random(seed).sample(range(len(inputs)), MAX_EXAMPLES))  # noqa: S311
        inputs, labels = [inputs[row] for row in rows], [labels[row] for row in rows]
    classes = Classes.of(labels)
    if classes.count == 1 or len(inputs) < 4:
        return [_commonest(classes, function, prefix)]
    ranked = []
    for each, structure in _induced(inputs, classes, fields, seed, progress):
        fragment = write_python(structure, function, prefix=prefix)
        notes = _notes(structure, each)
        ranked.append(RankedFragment(fragment, each.accuracy, each.family, notes, structure))
    return ranked or [_commonest(classes, function, prefix)]


def _induced(
    inputs: Sequence[Mapping[str, Any]],
    classes: Classes,
    fields: Sequence[InputField],
    seed: int,
    progress: Progress,
) -> list[Found]:
    """What is found in these examples, best first; remembered, for `rule` and `dsl` ask in turn."""
    codes = classes.codes.tolist()
    question = canonical([list(inputs), codes, classes.labels, repr(fields), seed])
    key = hashlib.sha256(question.encode(errors="surrogatepass")).digest()
    if key in _remembered:
        return _remembered[key]
    progress(f"reading {len(inputs)} examples")
    table = build_table(inputs, fields)
    found: list[Found] = []
    if table.conditions:
        progress(f"weighing {len(table.conditions)} conditions")
        estimates = estimate(table, classes.codes, classes.count, _families(fields), seed)
        chosen = [simplest_of_the_best(family) for family in estimates.values() if family]
        for each in _best_first(chosen) if chosen else ():
            progress(f"learning the {each.family}")
            found.append((each, _learned(inputs, table, classes, each, seed)))
    _remembered[key] = found
    while len(_remembered) > REMEMBERED:
        del _remembered[next(iter(_remembered))]
    return found


def _learned(
    inputs: Sequence[Mapping[str, Any]],
    table: FeatureTable,
    classes: Classes,
    chosen: Estimate,
    seed: int,
) -> Structure:
    """The chosen kind of structure learned from all rows, its numbers sharpened if that helps."""
    model, columns = train(table, classes.codes, classes.count, chosen, seed)
    structure = model.structure(columns, classes.labels, chosen.sure)
    if isinstance(structure, PointScore):
        return structure
    finer = sharpened(columns, inputs, structure)
    if finer is not None:
        sharper, _ = train(finer, classes.codes, classes.count, replace(chosen, rich=True), seed)
        wrong, still_wrong = (
            int((each.predict(on)[0] != classes.codes).sum())
            for each, on in ((model, columns), (sharper, finer))
        )
        if still_wrong < wrong:
            return sharper.structure(finer, classes.labels, chosen.sure)
    return structure


def _families(fields: Sequence[InputField]) -> list[str]:
    """Trees are for tables: on texts alone lists and scores say the same in fewer words."""
    plain = {FieldKind.NUMBER, FieldKind.CATEGORY, FieldKind.BOOLEAN}
    tabular = any(field.kind in plain for field in fields)
    return [family for family in FAMILIES if tabular or family != "decision tree"]


def _best_first(chosen: Sequence[Estimate]) -> list[Estimate]:
    ranked = sorted(chosen, key=lambda each: (-each.worth, each.family))
    first, *others = ranked
    if first.family == "point score" and others and first.hardly_better(others[0], HANDICAP):
        return [others[0], first, *others[1:]]
    return ranked


def _commonest(classes: Classes, function: str, prefix: str | None) -> RankedFragment:
    """The program that always gives the commonest label: all there is to learn from one class."""
    rows = len(classes.codes)
    correct = int((classes.codes == 0).sum())
    confidence = round((correct + 1) / (rows + 2), 2)
    structure = DecisionList((), Outcome(classes.labels[0], rows, correct, confidence))
    notes = (f"Always answers {class_label(classes.labels[0])}: the examples teach no more.",)
    fragment = write_python(structure, function, prefix=prefix)
    return RankedFragment(fragment, correct / rows, "constant", notes, structure)


def _notes(structure: Structure, estimated: Estimate) -> tuple[str, ...]:
    match structure:
        case DecisionList(rules, _):
            count = f"{len(rules)} rule" if len(rules) == 1 else f"{len(rules)} rules"
            how = f"Goes through {count} in order; the first that holds decides."
        case PointScore():
            terms = sum(len(p.terms) for p in structure.points if isinstance(p, TermPoints))
            others = sum(isinstance(p, ConditionPoints) for p in structure.points)
            how = f"Adds up points for each label: {terms} for words, {others} for other signs."
        case _:
            how = "Asks one question after another, each depending on the last answer."
    share = f"{estimated.accuracy:.1%}".replace("%", " %")
    return (how, f"Right on {share} of training examples it had not seen, in cross-validation.")
