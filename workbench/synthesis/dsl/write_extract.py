"""Lookups and extractions as Python functions."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.synthesis.dsl.casts import PATTERN_SOURCES, SOURCES, cast_key
from workbench.synthesis.dsl.document import Cast, DateCast, Extract, Group, Lookup, Part
from workbench.synthesis.dsl.regular_expressions import named_groups
from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.python_conditions import ConditionWriter
from workbench.synthesis.rule.python_source import collection, constant, pattern_literal, quoted

_METHODS = {"lower": "lower", "upper": "upper", "trim": "strip"}
_READERS = {"int": "read_whole", "number": "read_number", "date": "read_date"}


def lookup_fragment(lookup: Lookup, function: str, prefix: str) -> Fragment:
    """`function(input_data)` gives the table's value, or None."""
    writer = ConditionWriter(function, prefix)
    text = _text_expression(writer, lookup.path)
    table = writer.constant_name(f"{lookup.path[-1]} table", "TABLE")
    rows = "".join(f"    {quoted(key)}: {constant(value)},\n" for key, value in lookup.table)
    key = "text.strip().lower()" if lookup.ignore_case else "text.strip()"
    body = [
        f"def {function}(input_data):",
        '    """The value that stands beside the text in the table, None for any other text."""',
        f"    text = {text}",
        f"    return {table}.get({key})",
    ]
    return _fragment(function, writer, [f"{table} = {{\n{rows}}}\n"], [], body, set())


def extract_fragment(extract: Extract, function: str, prefix: str) -> Fragment:
    """`function(input_data)` gives what the first pattern that is found takes out, or None."""
    writer = ConditionWriter(function, prefix)
    text = _text_expression(writer, extract.path)
    constants = []
    if len(extract.patterns) == 1:
        name = writer.constant_name(f"{extract.path[-1]} pattern", "PATTERN")
        constants.append(f"{name} = re.compile({pattern_literal(extract.patterns[0])})\n")
        search = [f"    found = {name}.search(text)"]
    else:
        name = writer.constant_name(f"{extract.path[-1]} patterns", "PATTERNS")
        rows = "".join(
            f"    re.compile({pattern_literal(pattern, 4)}),\n" for pattern in extract.patterns
        )
        constants.append(f"# Tried in this order.\n{name} = (\n{rows})\n")
        search = [
            f"    matches = (pattern.search(text) for pattern in {name})",
            "    found = next((match for match in matches if match), None)",
        ]
    expressions = _Expressions(extract, writer)
    if extract.value is not None:
        answer = [f"    return {expressions.of(extract.value)}"]
    else:
        items = [f"        {quoted(key)}: {expressions.of(part)}," for key, part in extract.output]
        answer = ["    return {", *items, "    }"]
    body = [
        f"def {function}(input_data):",
        '    """What the pattern takes out of the text, None where it is not found."""',
        f"    text = {text}",
        *search,
        "    if found is None:",
        "        return None",
        *(["    groups = found.groupdict()"] if expressions.partial else []),
        *answer,
    ]
    constants += expressions.constants
    return _fragment(function, writer, constants, expressions.readers(), body, {"import re"})


class _Expressions:
    """Python expressions of the parts of one extraction, and what they lean on."""

    def __init__(self, extract: Extract, writer: ConditionWriter) -> None:
        every = [set(named_groups(pattern)) for pattern in extract.patterns]
        self._always = set.intersection(*every)
        self._writer = writer
        self._formats: dict[tuple[str, ...], str] = {}
        self._needed: set[str] = set()
        self.constants: list[str] = []
        self.partial = False

    def of(self, part: Part) -> str:
        if not isinstance(part, Group):
            return constant(part.value)
        if part.name in self._always:
            text = f"found[{quoted(part.name)}]"
        else:
            self.partial = True
            text = f"groups.get({quoted(part.name)})"
        methods = "".join(f".{_METHODS[cast]}()" for cast in part.casts if cast in _METHODS)
        expression = f"{text} and {text}{methods}" if methods else text
        last = part.casts[-1] if part.casts else None
        return expression if last is None or last in _METHODS else self._read(last, expression)

    def readers(self) -> list[str]:
        """The reading functions, and the patterns they use."""
        sources = [SOURCES[key] for key in SOURCES if key in self._needed]
        used = [name for name in PATTERN_SOURCES if any(name in source for source in sources)]
        return [f"{name} = {PATTERN_SOURCES[name]}\n" for name in used] + sources

    def _read(self, cast: Cast, expression: str) -> str:
        key = cast_key(cast)
        self._needed.add(key)
        if not isinstance(cast, DateCast):
            return f"{_READERS[key]}({expression})"
        if cast.formats not in self._formats:
            name = self._writer.constant_name("date formats", "FORMATS")
            self._formats[cast.formats] = name
            items = collection([quoted(each) for each in cast.formats], "()", 0, len(name) + 3)
            self.constants.append(f"{name} = {items}\n")
        return f"{_READERS[key]}({expression}, {self._formats[cast.formats]})"


def _text_expression(writer: ConditionWriter, path: Path) -> str:
    """The text at a path, without the local that the writer would keep it in."""
    writer.text(path)
    return writer.lines.pop().partition(" = ")[2]


def _fragment(
    function: str,
    writer: ConditionWriter,
    constants: list[str],
    readers: Iterable[str],
    body: list[str],
    imports: set[str],
) -> Fragment:
    readers = list(readers)
    patterns = [each for each in readers if not each.lstrip().startswith("def ")]
    functions = [each.strip("\n") + "\n" for each in readers if each.lstrip().startswith("def ")]
    blocks = ["".join([*constants, *patterns]), *writer.readers(), *functions, "\n".join(body)]
    source = "\n\n".join(blocks) + "\n"
    needed = {*imports, *writer.imports()}
    needed |= {f"import {module}" for module in ("math", "datetime") if f"{module}." in source}
    return Fragment(function, source, tuple(sorted(needed)))
