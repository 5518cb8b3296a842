"""Whether a rule document fits its task: fields, types, outputs, rules that are never reached.

Finds what can be told without running the rules; whether they are right, examples tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.errors import Problem
from runtime.models import TaskSpecification
from runtime.schema_check import SchemaCheck
from runtime.yaml_document import Place
from workbench.synthesis.dsl.document import DateCast, Extract, Group, Part, RulesDocument
from workbench.synthesis.dsl.fields import (
    declared_schema,
    field_names,
    is_known_field,
    paths_of,
    types_of,
)
from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import (
    AllOf,
    AnyOf,
    Compares,
    Condition,
    Difference,
    IsMultiple,
    IsOneOf,
    Not,
    Number,
    Ratio,
)
from workbench.synthesis.rule.structures import ConditionPoints


def check_rules(document: RulesDocument, task: TaskSpecification) -> list[Problem]:
    """Every problem of a document for this task, with its line where it was read from a file."""
    return list(_Check(document, task).problems())


class _Check:
    def __init__(self, document: RulesDocument, task: TaskSpecification) -> None:
        self.document = document
        self.task = task
        self._output = SchemaCheck(task.output_schema, "output_schema")

    def problems(self) -> Iterator[Problem]:
        yield from self._unreachable()
        for condition, place in self._conditions():
            yield from self._fields(condition, place)
        yield from self._outputs()
        if self.document.lookup:
            yield from self._field(self.document.lookup.path, ("lookup", "field"))
        if self.document.extract:
            yield from self._field(self.document.extract.path, ("extract", "field"))
            yield from self._extracted(self.document.extract)

    def _unreachable(self) -> Iterator[Problem]:
        document = self.document
        always = next((n for n, rule in enumerate(document.rules) if not rule.conditions), None)
        if always is not None:
            why = f"is never reached: rule {always + 1} has no when, so it always answers."
            for number in range(always + 1, len(document.rules)):
                yield self._problem(why, ("rules", number), "Move that rule to the end.")
            for section in ("lookup", "extract", "score", "default"):
                if getattr(document, section) is not None:
                    yield self._problem(why, (section,), "Give that rule a when, or drop this.")
        elif document.score and document.default:
            why = "is never reached: a score always answers."
            yield self._problem(why, ("default",), "Remove it.")
        seen: dict[tuple[Condition, ...], int] = {}
        for number, rule in enumerate(document.rules):
            if rule.conditions and seen.setdefault(rule.conditions, number) < number:
                why = f"is never reached: rule {seen[rule.conditions] + 1} asks the same."
                yield self._problem(why, ("rules", number), "Remove one of the two.")

    def _conditions(self) -> Iterator[tuple[Condition, Place]]:
        for number, rule in enumerate(self.document.rules):
            for condition in rule.conditions:
                yield condition, ("rules", number, "when")
        for number, item in enumerate(self.document.score.points if self.document.score else ()):
            place = ("score", "points", number)
            if isinstance(item, ConditionPoints):
                yield item.condition, (*place, "when")

    def _fields(self, condition: Condition, place: Place) -> Iterator[Problem]:
        match condition:
            case Not(inner):
                yield from self._fields(inner, place)
                return
            case AllOf(conditions) | AnyOf(conditions):
                for inner in conditions:
                    yield from self._fields(inner, place)
                return
        for path in paths_of(condition):
            yield from self._field(path, place)
        yield from self._types(condition, place)

    def _field(self, path: Path, place: Place) -> Iterator[Problem]:
        if not is_known_field(path, self.task):
            known = ", ".join(field_names(self.task.input_schema)) or "none"
            name = ".".join(path)
            yield self._problem(f"there is no field {name!r}.", place, f"Fields: {known}.")

    def _types(self, condition: Condition, place: Place) -> Iterator[Problem]:
        numbers: tuple[Path, ...] = ()
        match condition:
            case Compares(Number(path)) | IsMultiple(path):
                numbers = (path,)
            case Compares(Ratio(path, other) | Difference(path, other)):
                numbers = (path, other)
            case IsOneOf(path, values):
                schema = declared_schema(self.task.input_schema, path)
                enum = schema.get("enum")
                options = enum if isinstance(enum, list) else list(values)
                for value in values:
                    if value not in options:
                        why = f"{value!r} is no value of {'.'.join(path)!r}."
                        known = ", ".join(map(str, options))
                        yield self._problem(why, place, f"Values: {known}.")
        for path in numbers:
            types = types_of(declared_schema(self.task.input_schema, path))
            if types and not types & {"number", "integer"}:
                name, kinds = ".".join(path), " or ".join(sorted(types))
                why = f"compares {name!r} as a number, but it holds {kinds}."
                yield self._problem(why, place, "Compare a measure of it, or another field.")

    def _outputs(self) -> Iterator[Problem]:
        for value, place in self._values():
            for failure in self._output.errors(value):
                where = f" at {failure.path}" if failure.path else ""
                message = failure.message.rstrip(".")
                yield self._problem(f"breaks the task's output_schema{where}: {message}.", place)

    def _values(self) -> Iterator[tuple[Any, Place]]:
        document = self.document
        for number, rule in enumerate(document.rules):
            yield rule.outcome.label, ("rules", number, "then")
        for key, value in document.lookup.table if document.lookup else ():
            if value is not None:
                yield value, ("lookup", "table", key)
        for number, (label, _) in enumerate(document.score.start if document.score else ()):
            yield label, ("score", "start", number, "label")
        if document.default:
            yield document.default.label, ("default",)

    def _extracted(self, extract: Extract) -> Iterator[Problem]:
        schema = self.task.output_schema
        if extract.value is not None:
            yield from self._part(extract.value, schema, ("extract", "value"))
            return
        here: Place = ("extract", "output")
        types = types_of(schema)
        if types and "object" not in types:
            why = f"makes an object, but the output is {' or '.join(sorted(types))}."
            yield self._problem(why, here, "Write value: GROUP for one value.")
            return
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        made = dict(extract.output)
        for key in schema.get("required", ()):
            if key not in made:
                why = f"lacks the field {key!r} that the output_schema requires."
                yield self._problem(why, here, "Add it, with {value: null} where it is not known.")
        for key, part in made.items():
            if key in properties:
                yield from self._part(part, properties[key], (*here, key))
            elif schema.get("additionalProperties") is False:
                known = ", ".join(properties)
                why = "there is no such field in the output_schema."
                yield self._problem(why, (*here, key), f"Fields: {known}.")

    def _part(self, part: Part, schema: Any, place: Place) -> Iterator[Problem]:
        if not isinstance(schema, Mapping):
            return
        if not isinstance(part, Group):
            loose = {**schema, "$defs": self.task.output_schema.get("$defs", {})}
            for failure in SchemaCheck(loose, "output_schema").errors(part.value):
                yield self._problem(f"breaks the task's output_schema: {failure.message}.", place)
            return
        last = part.casts[-1] if part.casts else "trim"
        made = {"number"} if last == "number" else {"integer"} if last == "int" else {"string"}
        types = types_of(schema)
        fits = made | ({"number"} if last == "int" else {"integer"} if last == "number" else set())
        if types and not types & fits:
            kinds = " or ".join(sorted(types - {"null"})) or "null"
            said = "a date" if isinstance(last, DateCast) else next(iter(made))
            said = "text" if said == "string" else said
            why = f"gives {said}, but the output_schema wants {kinds}."
            yield self._problem(why, place, "Add a cast, such as {group: NAME, as: number}.")

    def _problem(self, message: str, place: Place, remedy: str | None = None) -> Problem:
        if self.document.origin is not None:
            return self.document.origin.problem(message, place, remedy)
        return Problem(message, field=".".join(map(str, place)), remedy=remedy)
