"""How good a program is, measured in the sandbox on examples it did not learn from."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runtime.models import Example, TaskSpecification
from runtime.sandbox import Result
from runtime.validation.exact import matches
from workbench.synthesis.kinds import OutputKind, class_label, output_kind

Method = Literal["held-out", "cross-validation"]
CONFIDENCE_BINS = 10
MAX_FAILURES = 50
NO_ANSWER = "(no answer)"


@dataclass(frozen=True, slots=True)
class Judged:
    """One example and what a program that had not seen it made of it."""

    example: Example
    result: Result
    right: bool


def judge(
    task: TaskSpecification, examples: Sequence[Example], results: Sequence[Result]
) -> list[Judged]:
    """Pair each example with its result."""
    return [
        Judged(
            example,
            result,
            result.ok and matches(example.output, result.output, task.output_schema),
        )
        for example, result in zip(examples, results, strict=True)
    ]


def evaluate(task: TaskSpecification, judged: Sequence[Judged], method: Method) -> dict[str, Any]:
    """The evaluation report, as JSON.

    Keys: `method, examples, correct, accuracy, interval` (95 % Wilson, [low, high]),
    `baseline` (always the commonest output), `errors, timeouts, latency_ms` (p50, p99),
    `failures` (at most 50); for classes `classes, worst_class, confusion`; with
    confidences `calibration_error`; for numbers `r2, mean_absolute_error`; for objects
    `fields` (accuracy by property).
    """
    count = len(judged)
    correct = sum(item.right for item in judged)
    expected = [item.example.output for item in judged]
    kind = output_kind(task.output_schema, expected)
    commonest = Counter(class_label(value) for value in expected).most_common(1)
    latencies = [item.result.latency_ms for item in judged]
    report: dict[str, Any] = {
        "method": method,
        "examples": count,
        "correct": correct,
        "accuracy": _round(correct / count) if count else 0.0,
        "interval": [_round(bound) for bound in wilson_interval(correct, count)],
        "baseline": _round(commonest[0][1] / count) if commonest else 0.0,
        "errors": sum(item.result.status == "error" for item in judged),
        "timeouts": sum(item.result.status == "timeout" for item in judged),
        "latency_ms": {
            "p50": _round(percentile(latencies, 50)),
            "p99": _round(percentile(latencies, 99)),
        },
    }
    if kind is OutputKind.CLASS:
        report.update(_class_figures(judged))
    elif kind is OutputKind.NUMBER:
        report.update(_number_figures(judged))
    elif kind is OutputKind.OBJECT:
        report["fields"] = _field_figures(task, judged)
    sure = [item for item in judged if item.result.confidence is not None]
    if sure:
        report["calibration_error"] = _round(calibration_error(sure))
    report["failures"] = [_failure(item) for item in judged if not item.right][:MAX_FAILURES]
    return report


def wilson_interval(correct: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); (0, 1) when nothing was counted."""
    if count == 0:
        return 0.0, 1.0
    share = correct / count
    spread = 1 + z * z / count
    centre = (share + z * z / (2 * count)) / spread
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / spread
    return max(0.0, centre - half), min(1.0, centre + half)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % do not exceed (nearest rank); 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def calibration_error(judged: Sequence[Judged]) -> float:
    """Expected calibration error over ten equal-width bins (Naeini et al. 2015)."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for item in judged:
        confidence = item.result.confidence or 0.0
        index = min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)
        bins.setdefault(index, []).append((confidence, item.right))
    gaps = [
        abs(sum(sure for sure, _ in members) - sum(right for _, right in members))
        for members in bins.values()
    ]
    return sum(gaps) / len(judged)


def number_misses(task: TaskSpecification, judged: Sequence[Judged]) -> tuple[float, ...]:
    """How far each answer is off, infinitely where it is no number; empty where the output is
    none."""
    expected = [item.example.output for item in judged]
    if output_kind(task.output_schema, expected) is not OutputKind.NUMBER:
        return ()
    return tuple(
        abs(float(item.result.output) - float(item.example.output))
        if item.result.ok and _is_number(item.result.output) and _is_number(item.example.output)
        else math.inf
        for item in judged
    )


def _class_figures(judged: Sequence[Judged]) -> dict[str, Any]:
    truth = [class_label(item.example.output) for item in judged]
    answers = [class_label(item.result.output) if item.result.ok else NO_ANSWER for item in judged]
    pairs = Counter(zip(truth, answers, strict=True))
    labels = sorted(set(truth)) + sorted(set(answers) - set(truth))
    classes = {}
    for label in sorted(set(truth)):
        hit = pairs[label, label]
        support, given = truth.count(label), answers.count(label)
        recall, precision = hit / support, hit / given if given else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        classes[label] = {
            "support": support,
            "precision": _round(precision),
            "recall": _round(recall),
            "f1": _round(f1),
        }
    worst = min(classes, key=lambda label: (classes[label]["recall"], label), default=None)
    matrix = [[pairs[row, column] for column in labels] for row in sorted(set(truth))]
    return {
        "classes": classes,
        "worst_class": worst,
        "confusion": {"expected": sorted(set(truth)), "got": labels, "counts": matrix},
    }


def _number_figures(judged: Sequence[Judged]) -> dict[str, Any]:
    pairs = [
        (float(item.example.output), float(item.result.output))
        for item in judged
        if item.result.ok and _is_number(item.result.output) and _is_number(item.example.output)
    ]
    if not pairs:
        return {"r2": None, "mean_absolute_error": None}
    mean = statistics.fmean(truth for truth, _ in pairs)
    total = sum((truth - mean) ** 2 for truth, _ in pairs)
    left = sum((truth - got) ** 2 for truth, got in pairs)
    return {
        "r2": _round(1 - left / total) if total else None,
        "mean_absolute_error": _round(statistics.fmean(abs(t - g) for t, g in pairs)),
    }


def _field_figures(task: TaskSpecification, judged: Sequence[Judged]) -> dict[str, float]:
    properties = task.output_schema.get("properties")
    schemas: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    names = sorted({name for item in judged for name in (item.example.output or {})})
    absent = object()

    def right(item: Judged, name: str) -> bool:
        truth = (item.example.output or {}).get(name, absent)
        output = item.result.output
        got = output.get(name, absent) if isinstance(output, Mapping) else absent
        if truth is absent or got is absent:
            return truth is got
        return matches(truth, got, schemas.get(name))

    return {name: _round(sum(right(item, name) for item in judged) / len(judged)) for name in names}


def _failure(item: Judged) -> dict[str, Any]:
    failure = {"input": item.example.input, "expected": item.example.output}
    if item.result.ok:
        return {**failure, "got": item.result.output}
    return {**failure, "error": str(item.result.error or item.result.status)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _round(value: float) -> float:
    return round(value, 6)
