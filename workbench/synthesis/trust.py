"""What a person should know before they rely on a program: where it is weak, how easily small
edits sway it, how far its confidence holds, and what would help most."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.models import TaskSpecification
from runtime.sandbox import Program, Sandbox
from runtime.schema_check import SchemaCheck
from runtime.strict_json import canonical
from runtime.validation.exact import matches
from workbench.synthesis.edits import KINDS, edit
from workbench.synthesis.evaluation import CONFIDENCE_BINS, Judged, wilson_interval
from workbench.synthesis.kinds import FieldKind, class_label, input_fields
from workbench.synthesis.slices import weak_slices

EDITED_INPUTS = 200
MAX_NEEDS = 5


def find_weaknesses(task: TaskSpecification, judged: Sequence[Judged]) -> dict[str, Any]:
    """Parts of the evaluation report: `weak_slices`, `slices_tested`, `confidence_bins`, `needs`.

    `needs` names the classes whose wrong answers are most, for these more examples help most.
    """
    right = [item.right for item in judged]
    weak, tested = weak_slices(
        task,
        [item.example.input for item in judged],
        [item.example.output for item in judged],
        right,
    )
    slices = []
    for one in weak:
        count, correct = len(one.rows), len(one.rows) - one.wrong
        slices.append(
            {
                "where": one.name,
                "examples": count,
                "wrong": one.wrong,
                "accuracy": round(correct / count, 6),
                "interval": [round(bound, 6) for bound in wilson_interval(correct, count)],
                "adjusted_p": float(f"{one.chance:.3g}"),
            }
        )
    found: dict[str, Any] = {"weak_slices": slices, "slices_tested": tested}
    bins = _confidence_bins(judged)
    if bins:
        found["confidence_bins"] = bins
    needs = _needs(judged)
    if needs:
        found["needs"] = needs
    return found


def measure_sensitivity(
    task: TaskSpecification, program: Program, sandbox: Sandbox, seed: int
) -> dict[str, dict[str, Any]]:
    """For each kind of small edit how many of up to 200 inputs change the output by it.

    Only edits that apply and keep the input valid count. Where the output is made of the input
    (text, objects) a change may be right; for classes and numbers it seldom is.
    """
    chance = random.Random(f"{seed} small edits")  # noqa: S311 - a sample, not a secret
    inputs = [example.input for example in task.examples]
    inputs = chance.sample(inputs, min(EDITED_INPUTS, len(inputs)))
    texts: set[tuple[str | int, ...]] = {
        field.path
        for field in input_fields(task, task.examples)
        if field.kind in (FieldKind.TEXT, FieldKind.OTHER)
    }
    is_valid = SchemaCheck(task.input_schema, "input_schema").is_valid
    before = sandbox.run(program, inputs)
    report: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        pairs = []
        for position, data in enumerate(inputs):
            edited = edit(data, kind, chance, texts)
            differs = canonical(edited) != canonical(data)
            if before[position].ok and differs and is_valid(edited):
                pairs.append((position, edited))
        if not pairs:
            continue
        after = sandbox.run(program, [edited for _, edited in pairs])
        changed = [
            (inputs[position], edited, before[position].output, result)
            for (position, edited), result in zip(pairs, after, strict=True)
            if not (
                result.ok and matches(before[position].output, result.output, task.output_schema)
            )
        ]
        low, high = wilson_interval(len(changed), len(pairs))
        report[kind] = {
            "inputs": len(pairs),
            "changed": len(changed),
            "share": round(len(changed) / len(pairs), 6),
            "interval": [round(low, 6), round(high, 6)],
        }
        if changed:
            given, edited, output, result = changed[0]
            report[kind]["example"] = {
                "input": given,
                "edited": edited,
                "output": output,
                "then": result.output if result.ok else str(result.error or result.status),
            }
    return report


def _confidence_bins(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for item in judged:
        sure = item.result.confidence
        if sure is not None:
            index = min(int(sure * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)
            bins.setdefault(index, []).append((sure, item.right))
    return [
        {
            "from": index / CONFIDENCE_BINS,
            "to": (index + 1) / CONFIDENCE_BINS,
            "examples": len(members),
            "confidence": round(sum(sure for sure, _ in members) / len(members), 6),
            "accuracy": round(sum(right for _, right in members) / len(members), 6),
        }
        for index, members in sorted(bins.items())
    ]


def _needs(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Classes by the number of wrong answers that they are part of: missed or given wrongly."""
    if not judged or not all(_is_label(item.example.output) for item in judged):
        return []
    missed = Counter(class_label(item.example.output) for item in judged if not item.right)
    support = Counter(class_label(item.example.output) for item in judged)
    taken_for: dict[str, Counter[str]] = {}
    for item in judged:
        if not item.right and item.result.ok:
            own = taken_for.setdefault(class_label(item.example.output), Counter())
            own[class_label(item.result.output)] += 1
    total = sum(missed.values())
    if len(support) > len(judged) // 2:  # no classes: nearly every output is one of its own
        return []
    return [
        {
            "class": label,
            "wrong": count,
            "of_all_wrong": round(count / total, 6),
            "examples": support[label],
            "taken_for": dict(taken_for.get(label, Counter()).most_common(3)),
        }
        for label, count in sorted(missed.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_NEEDS]
    ]


def _is_label(value: Any) -> bool:
    return not isinstance(value, Mapping | list)
