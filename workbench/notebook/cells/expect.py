"""`expect` cells: what must hold of a version, as examples and as bounds on its figures.

A figure is of the version's evaluation report: measured on examples it had not learned from.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.errors import LoopaiError, Problem
from runtime.models import TaskSpecification
from runtime.schema_check import SchemaCheck
from runtime.strict_json import canonical, parse_strictly
from runtime.validation.exact import matches
from workbench.notebook.cells.attempt import answer_of, check_value, execute
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, Part, table_part, text_part

COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
FIGURES = {
    "accuracy": ("accuracy",),
    "baseline": ("baseline",),
    "p50_ms": ("latency_ms", "p50"),
    "p99_ms": ("latency_ms", "p99"),
    "errors": ("errors",),
    "timeouts": ("timeouts",),
    "examples": ("examples",),
    "calibration_error": ("calibration_error",),
    "r2": ("r2",),
    "mean_absolute_error": ("mean_absolute_error",),
}
#: Figures that are not simply a place in the report.
DERIVED = ("interval_low", "worst_recall", "bytes")
_BOUND = re.compile(
    r"\s*(?P<figure>[a-z_0-9]+)\s*(?P<sign>>=|<=|==|!=|>|<)\s*(?P<number>-?[0-9.]+(?:e-?\d+)?)"
    r"\s*(?P<percent>%?)\s*"
)


@dataclass(frozen=True, slots=True)
class Bound:
    """`accuracy >= 90%`: a figure of the evaluation report held against a number."""

    line: int
    text: str
    figure: str
    sign: str
    number: float


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """An input and the output it must give."""

    line: int
    input: dict[str, Any]
    output: Any


def check_expect(place: Place, task: TaskSpecification | None) -> list[Bound | ExpectedAnswer]:
    """The cell's expectations. Raises LoopaiError with a problem for each line that is none."""
    found: list[Bound | ExpectedAnswer] = []
    problems: list[Problem] = []
    for number, line in place.lines():
        try:
            found.append(_expectation(place, number, line, task))
        except LoopaiError as error:
            problems.extend(error.problems)
    if problems:
        raise LoopaiError(problems)
    if not found:
        raise place.fail("expects nothing.", remedy="Write a line such as accuracy >= 90%.")
    return found


def run_expect(work: Work) -> CellResult:
    """Hold a version against every expectation; failed when one does not hold."""
    task = work.specification()
    expectations = check_expect(work.place, task)
    version = work.version()
    answers = [each for each in expectations if isinstance(each, ExpectedAnswer)]
    bounds = [each for each in expectations if isinstance(each, Bound)]
    figures = _figures(work, version) if bounds else {}
    rows = [_bound_row(work.place, bound, figures) for bound in bounds]
    rows += _answer_rows(work, task, version, answers)
    rows.sort(key=lambda row: row[0])
    failed = sum(row[1] == "no" for row in rows)
    table = table_part(("line", "holds", "expected", "got"), rows)
    words = f"{task.name} v{version}: {len(rows) - failed} of {len(rows)} expectations hold"
    parts: tuple[Part, ...] = (table,)
    if failed:
        parts = (
            text_part(f"{failed} do not hold" if failed > 1 else "one does not hold", "bad"),
            table,
        )
    return CellResult(words, parts, failed=failed > 0)


Row = tuple[int, str, str, str]


def _bound_row(place: Place, bound: Bound, figures: Mapping[str, float]) -> Row:
    got = figures.get(bound.figure)
    if got is None:
        raise place.fail(
            f"this version's report has no {bound.figure}.",
            bound.line,
            f"It has: {', '.join(sorted(figures))}.",
        )
    holds = COMPARISONS[bound.sign](got, bound.number)
    shown = f"{got:.1%}" if bound.text.endswith("%") else f"{got:.4g}"
    return bound.line, "yes" if holds else "no", bound.text, shown


def _answer_rows(
    work: Work, task: TaskSpecification, version: int, answers: Sequence[ExpectedAnswer]
) -> list[Row]:
    if not answers:
        return []
    results = execute(work, version, [each.input for each in answers])
    outputs = SchemaCheck(task.output_schema, "output_schema")
    rows = []
    for each, result in zip(answers, results, strict=True):
        got, status = answer_of(result, outputs)
        holds = status == "success" and matches(each.output, got, task.output_schema)
        shown = canonical(got) if status == "success" else f"{status}: {got}"
        expected = f"{canonical(each.input)} -> {canonical(each.output)}"
        rows.append((each.line, "yes" if holds else "no", expected, shown))
    return rows


def _figures(work: Work, version: int) -> dict[str, float]:
    """Every figure of a version's report that is a number, by the name a cell uses."""
    metadata = work.store.metadata(work.task_name(), version)
    report = metadata["evaluation"]
    found: dict[str, Any] = {}
    for name, place in FIGURES.items():
        value: Any = report
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        found[name] = value
    found["interval_low"] = (report.get("interval") or [None])[0]
    worst = report.get("classes", {}).get(report.get("worst_class"), {})
    found["worst_recall"] = worst.get("recall")
    found["bytes"] = metadata["artifact"].get("complexity_metrics", {}).get("bytes")
    return {name: float(value) for name, value in found.items() if value is not None}


def _expectation(
    place: Place, number: int, line: str, task: TaskSpecification | None
) -> Bound | ExpectedAnswer:
    if line.lstrip().startswith("{"):
        return _expected_answer(place, number, line, task)
    found = _BOUND.fullmatch(line)
    known = (*FIGURES, *DERIVED)
    if found is None:
        raise place.fail(
            f"{line.strip()!r} is no expectation.",
            number,
            'Write {"input": {...}, "output": ...}, or a bound such as accuracy >= 90%.',
        )
    if found["figure"] not in known:
        raise place.fail(
            f"there is no figure {found['figure']!r}.", number, f"Figures: {', '.join(known)}."
        )
    try:
        value = float(found["number"]) / (100 if found["percent"] else 1)
    except ValueError:
        raise place.fail(f"{found['number']!r} is no number.", number) from None
    return Bound(number, line.strip(), found["figure"], found["sign"], value)


def _expected_answer(
    place: Place, number: int, line: str, task: TaskSpecification | None
) -> ExpectedAnswer:
    try:
        value = parse_strictly(line)
    except ValueError as error:
        raise place.fail(f"{error}.", number) from None
    if not isinstance(value, dict) or value.keys() != {"input", "output"}:
        raise place.fail("needs the keys input and output, and no other.", number)
    if not isinstance(value["input"], dict):
        raise place.fail("an input is a JSON object.", number)
    check_value(place, number, value["input"], task)
    return ExpectedAnswer(number, value["input"], value["output"])
