"""Conditions as Python expressions, and the imports, constants, readers and locals they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.synthesis.kinds import Path
from workbench.synthesis.rule import python_readers as readers
from workbench.synthesis.rule.conditions import (
    Affixed,
    AllOf,
    AnyOf,
    Compares,
    Condition,
    Difference,
    HasTerms,
    IsMissing,
    IsMultiple,
    IsOneOf,
    Matches,
    Not,
    Number,
    Quantity,
    Ratio,
    SameText,
    TextMeasure,
)
from workbench.synthesis.rule.python_source import (
    TAKEN,
    Names,
    collection,
    constant,
    identifier,
    pattern_literal,
    quoted,
)
from workbench.synthesis.rule.text import MEASURES

READERS = ("read_path", "read_text", "read_number", "ratio", "read_words", "read_terms")


class ConditionWriter:
    """Writes conditions one by one and remembers what their expressions lean on.

    All module-level names begin with `prefix` when it is not empty. `terms` are all the terms
    that any condition of the program looks for.
    """

    def __init__(self, function: str, prefix: str, terms: Iterable[str] = ()) -> None:
        self.prefix = prefix
        self.terms = frozenset(terms)
        self.constants: list[str] = []
        self.lines: list[str] = []  # locals of the deciding function, in order of first use
        self._needed: set[str] = set()
        self._readers = {name: f"{prefix}_{name}" if prefix else name for name in READERS}
        self._names = Names({*TAKEN, *self._readers.values(), function})
        self._locals: dict[tuple[str, Path], str] = {}
        self._patterns: dict[str, str] = {}
        self._groups: dict[tuple[str, ...], str] = {}

    def expression(self, condition: Condition, hint: str = "") -> str:
        """A Python test; safe to join with `and`. `hint` names word groups, by what they say."""
        match condition:
            case HasTerms():
                return self._has_terms(condition, hint)
            case Matches(path, pattern, name):
                return f"{self.pattern(pattern, name)}.search({self.text(path)})"
            case Compares(quantity, operator, value):
                return f"{self.quantity(quantity)} {operator} {constant(value)}"
            case IsOneOf():
                return self._is_one_of(condition)
            case Affixed(path, end, values):
                method = "startswith" if end == "start" else "endswith"
                sought = quoted(values[0]) if len(values) == 1 else self.group(values, hint, "()")
                return f"{self.text(path)}.strip().lower().{method}({sought})"
            case IsMultiple(path, of):
                return f"{self.number(path)} % {of} == 0"
            case SameText(path, other):
                one, two = self.text(path), self.text(other)
                return f'"" != {one}.strip().lower() == {two}.strip().lower()'
            case IsMissing(path):
                return f"{self.value(path)} is None"
            case Not(inner):
                return self._denied(inner, hint)
            case AllOf(conditions):
                parts = [self._operand(inner, hint) for inner in conditions]
                return " and ".join(parts) if parts else "True"
            case AnyOf(conditions):
                parts = [self._operand(inner, hint) for inner in conditions]
                return parts[0] if len(parts) == 1 else f"({' or '.join(parts) or 'False'})"

    def _denied(self, condition: Condition, hint: str) -> str:
        written = self._operand(condition, hint)
        match condition:
            case HasTerms(_, (_,), 1):
                return written.replace(" in ", " not in ", 1)
            case IsOneOf(_, (str(),)):
                return written.replace(" == ", " != ", 1)
            case IsOneOf(_, (bool(),)) | IsMissing():
                return written.replace(" is ", " is not ", 1)
            case _:
                return f"not {written}"

    def _operand(self, condition: Condition, hint: str) -> str:
        written = self.expression(condition, hint)
        return f"({written})" if isinstance(condition, AllOf) else written

    def quantity(self, quantity: Quantity) -> str:
        """A Python expression of the number; NaN where it is missing."""
        match quantity:
            case Number(path):
                return self.number(path)
            case Ratio(path, by):
                return f"{self._reader('ratio')}({self.number(path)}, {self.number(by)})"
            case Difference(path, less):
                return f"{self.number(path)} - {self.number(less)}"
            case TextMeasure(path, name):
                text = self.text(path)
                expression = MEASURES[name].expression
                words = f"{self._reader('read_words')}({text})" if "{words}" in expression else ""
                return expression.format(text=text, words=words)

    def value(self, path: Path) -> str:
        return self._local("value", path, "{}")

    def text(self, path: Path) -> str:
        return self._local("text", path, self._reader("read_text", path) + "({})")

    def number(self, path: Path) -> str:
        return self._local("number", path, self._reader("read_number", path) + "({})")

    def term_set(self, path: Path) -> str:
        """The local that holds the terms of a text."""
        key = ("terms", path)
        if key not in self._locals:
            text = self.text(path)
            name = self._names.give("terms" if text == "text" else f"{text}_terms")
            self._locals[key] = name
            self.lines.append(f"{name} = {self._reader('read_terms')}({text})")
        return self._locals[key]

    def pattern(self, pattern: str, name: str) -> str:
        """The constant of a compiled regular expression."""
        if pattern not in self._patterns:
            given = self.constant_name(name, "PATTERN")
            self._patterns[pattern] = given
            self.constants.append(f"{given} = re.compile({pattern_literal(pattern)})\n")
        return self._patterns[pattern]

    def group(self, members: tuple[str, ...], hint: str, brackets: str = "{}") -> str:
        """The constant of a collection of texts."""
        if members not in self._groups:
            given = self.constant_name(f"{hint} words", "WORDS")
            self._groups[members] = given
            items = [quoted(member) for member in members]
            written = collection(items, brackets, 0, len(given) + 3)
            self.constants.append(f"{given} = {written}\n")
        return self._groups[members]

    def constant_name(self, wanted: str, fallback: str) -> str:
        name = identifier(wanted, fallback.lower()).upper()
        return self._names.give(f"{self.prefix.upper()}_{name}" if self.prefix else name)

    def readers(self) -> Iterator[str]:
        """The reading functions that the expressions call, and the constant they use."""
        names = dict(self._readers)
        sources = {
            "read_path": readers.PATH,
            "read_text": readers.TEXT,
            "read_number": readers.NUMBER,
            "ratio": readers.RATIO,
            "read_words": readers.WORDS,
            "read_terms": readers.terms_reader(self.terms),
        }
        for name in READERS:
            if name in self._needed:
                yield sources[name].format(WORD=self._word_name(), **names)

    def all_constants(self) -> list[str]:
        """Every module-level constant, one block each."""
        words = [readers.word_pattern(self._word_name())] if "read_words" in self._needed else []
        return [*words, *self.constants]

    def imports(self) -> tuple[str, ...]:
        uses_re = bool(self._patterns) or "read_words" in self._needed
        uses_math = bool(self._needed & {"read_number", "ratio"})
        return (*(("import math",) if uses_math else ()), *(("import re",) if uses_re else ()))

    def _word_name(self) -> str:
        return f"{self.prefix.upper()}_WORD" if self.prefix else "WORD"

    def _reader(self, name: str, path: Path = ()) -> str:
        self._needed.add(name)
        if name == "read_terms":
            self._needed.add("read_words")
        return self._readers[name]

    def _local(self, kind: str, path: Path, wrap: str) -> str:
        key = (kind, path)
        if key not in self._locals:
            name = self._names.give(self._field_name(kind, path))
            self._locals[key] = name
            self.lines.append(f"{name} = {wrap.format(self._get(path))}")
        return self._locals[key]

    def _field_name(self, kind: str, path: Path) -> str:
        plain = identifier("_".join(path), "field")
        others = {found for kind_of, found in self._locals if kind_of != "terms"}
        return f"{plain}_{kind}" if path in others else plain

    def _get(self, path: Path) -> str:
        if len(path) == 1:
            return f"input_data.get({quoted(path[0])})"
        keys = ", ".join(quoted(key) for key in path)
        return f"{self._reader('read_path')}(input_data, {keys})"

    def _has_terms(self, condition: HasTerms, hint: str) -> str:
        terms = self.term_set(condition.path)
        if len(condition.terms) == 1 and condition.at_least == 1:
            return f"{quoted(condition.terms[0])} in {terms}"
        together = f"{terms} & {self.group(condition.terms, hint)}"
        return together if condition.at_least == 1 else f"len({together}) >= {condition.at_least}"

    def _is_one_of(self, condition: IsOneOf) -> str:
        value = self.value(condition.path)
        texts = [item for item in condition.values if isinstance(item, str)]
        tests = [f"{value} is {item}" for item in condition.values if isinstance(item, bool)]
        if len(texts) == 1:
            tests.append(f"{value} == {quoted(texts[0])}")
        elif texts:
            members = ", ".join(quoted(text) for text in texts)
            tests.append(f"{value} in ({members})")
        return tests[0] if len(tests) == 1 else f"({' or '.join(tests) or 'False'})"
