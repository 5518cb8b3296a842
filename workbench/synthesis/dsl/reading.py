"""Rule documents read from YAML; whatever is wrong is an error with file, line and field."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.yaml_document import Place, YamlDocument
from workbench.synthesis.dsl.document import FORMAT_VERSION, Lookup, RulesDocument
from workbench.synthesis.dsl.json_values import json_value
from workbench.synthesis.dsl.read_conditions import ConditionReader
from workbench.synthesis.dsl.read_extract import read_extract
from workbench.synthesis.kinds import class_label
from workbench.synthesis.rule.conditions import Condition
from workbench.synthesis.rule.structures import (
    ConditionPoints,
    Outcome,
    PointScore,
    Rule,
    TermPoints,
)

SECTIONS = ("rules", "lookup", "extract", "score", "default")
MAX_POINTS = 1_000_000

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Points = Annotated[int, Field(ge=-MAX_POINTS, le=MAX_POINTS)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Answer(_Model):
    """`support` training examples came here, `correct` of them have this answer."""

    then: Any
    confidence: Fraction = 1.0
    support: Count = 0
    correct: Count = 0


class _Rule(_Answer):
    when: Any = None


class _Class(_Model):
    label: Any
    points: Points = 0


class _Points(_Model):
    label: Any
    points: Points
    when: Any = None
    field: Any = None
    each_of: Any = None


class _Step(_Model):
    lead: Points
    confidence: Fraction


class _Score(_Model):
    start: list[_Class] = Field(min_length=1)
    points: list[_Points] = []
    confidences: list[_Step] = []


class _Lookup(_Model):
    field: Any
    table: dict[Any, Any] = Field(min_length=1)
    ignore_case: bool = False


class _File(_Model):
    v: Literal[1]
    about: str = ""
    rules: list[_Rule] = []
    lookup: _Lookup | None = None
    extract: dict[Any, Any] | None = None
    score: _Score | None = None
    default: Any = None


def load_rules(path: FilePath) -> RulesDocument:
    """The rule document in a file.

    Raises NotFoundError, or InvalidInputError with every problem's file, line and field.
    """
    return _read(YamlDocument.read(path))


def parse_rules(text: str, file: FilePath | str = "rules.yaml") -> RulesDocument:
    """The rule document in `text`; `file` names it in errors. Raises InvalidInputError."""
    return _read(YamlDocument(text, file))


def _read(document: YamlDocument) -> RulesDocument:
    if isinstance(document.data, dict) and document.data.get("v") != FORMAT_VERSION:
        found = document.data.get("v")
        said = f"is {found!r}" if "v" in document.data else "is missing"
        document.fail(
            f"the format version {said}; this release reads {FORMAT_VERSION}.",
            ("v",),
            f"Begin the document with v: {FORMAT_VERSION}.",
        )
    file = document.as_model(_File)
    if not any(section in document.data for section in SECTIONS):
        document.fail("says nothing to answer.", (), f"Give one of: {', '.join(SECTIONS)}.")
    reader = ConditionReader(document)
    return RulesDocument(
        rules=tuple(
            _read_rule(reader, rule, ("rules", number)) for number, rule in enumerate(file.rules)
        ),
        lookup=_read_lookup(reader, file.lookup) if file.lookup else None,
        extract=read_extract(reader, file.extract) if file.extract is not None else None,
        score=_read_score(reader, file.score) if file.score else None,
        default=_read_default(document) if "default" in document.data else None,
        about=" ".join(file.about.split()),
        origin=document,
    )


def _read_rule(reader: ConditionReader, rule: _Rule, place: Place) -> Rule:
    conditions: tuple[Condition, ...] = ()
    if rule.when is not None:
        here = (*place, "when")
        many = isinstance(rule.when, list)
        conditions = reader.read_many(rule.when, here) if many else (reader.read(rule.when, here),)
    return Rule(conditions, _read_outcome(reader.document, rule, place))


def _read_outcome(document: YamlDocument, answer: _Answer, place: Place) -> Outcome:
    if answer.correct > answer.support:
        document.fail(
            "more examples are correct than there are.", (*place, "correct"), "See support."
        )
    label = json_value(document, answer.then, (*place, "then"))
    return Outcome(label, answer.support, answer.correct, float(answer.confidence))


def _read_default(document: YamlDocument) -> Outcome:
    """A bare value, or a mapping like a rule's with `then`."""
    data = document.data["default"]
    if not isinstance(data, dict) or "then" not in data:
        return Outcome(json_value(document, data, ("default",)), 0, 0, 1.0)

    class Wrapped(_Model):
        default: _Answer

    wrapped = document.as_model(Wrapped, {"default": data})
    return _read_outcome(document, wrapped.default, ("default",))


def _read_lookup(reader: ConditionReader, lookup: _Lookup) -> Lookup:
    document = reader.document
    path = reader.read_path(lookup.field, ("lookup", "field"))
    rows: dict[str, Any] = {}
    for key, value in lookup.table.items():
        place = ("lookup", "table", str(key))
        if not isinstance(key, str):
            document.fail(f"the key {key!r} is not text.", place, "Put it in quotes.")
        if key != key.strip():
            document.fail("has spaces around it, so it is never found.", place, "Remove them.")
        name = key.lower() if lookup.ignore_case else key
        if name in rows:
            document.fail(f"the key {key!r} stands twice, case ignored.", place, "Keep one.")
        json_value(document, key, place)
        rows[name] = json_value(document, value, place)
    return Lookup(path, tuple(rows.items()), lookup.ignore_case)


def _read_score(reader: ConditionReader, score: _Score) -> PointScore:
    document, here = reader.document, ("score",)
    start = [
        (json_value(document, each.label, (*here, "start", number, "label")), each.points)
        for number, each in enumerate(score.start)
    ]
    places = {class_label(label): place for place, (label, _) in enumerate(start)}
    if len(places) < len(start):
        document.fail("a label stands twice.", (*here, "start"), "Keep one of them.")
    points: list[TermPoints | ConditionPoints] = []
    for number, item in enumerate(score.points):
        place = (*here, "points", number)
        label = json_value(document, item.label, (*place, "label"))
        if class_label(label) not in places:
            remedy = "List every label under score.start."
            document.fail(f"the label {label!r} is not among start.", (*place, "label"), remedy)
        to = places[class_label(label)]
        if (item.when is None) == (item.each_of is None) or (item.field is None) != (
            item.each_of is None
        ):
            remedy = "Write when: CONDITION, or field: NAME with each_of: [WORD, ...]."
            document.fail("must say when the points are given.", place, remedy)
        if item.when is not None:
            condition = reader.read(item.when, (*place, "when"))
            points.append(ConditionPoints(condition, to, item.points))
            continue
        path = reader.read_path(item.field, (*place, "field"))
        terms = reader.read_terms(item.each_of, (*place, "each_of"))
        points.append(TermPoints(path, terms, to, item.points))
    steps = [(step.lead, float(step.confidence)) for step in score.confidences] or [(0, 1.0)]
    if steps[0][0] > 0 or [lead for lead, _ in steps] != sorted({lead for lead, _ in steps}):
        document.fail(
            "the leads must begin at 0 and rise.", (*here, "confidences"), "Sort them from 0."
        )
    return PointScore(tuple(start), tuple(points), tuple(steps))
