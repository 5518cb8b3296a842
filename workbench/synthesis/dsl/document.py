"""What a rule document says, as plain data; the YAML around it is read and written elsewhere.

An input is answered by the first part that has an answer, in this order: rules, lookup,
extract, score, default. Conditions and point scores are those of the rule strategy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from runtime.yaml_document import YamlDocument
from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import Condition
from workbench.synthesis.rule.structures import (
    DecisionList,
    Outcome,
    PointScore,
    Rule,
    Split,
    Structure,
    Tree,
)

FORMAT_VERSION = 1
SimpleCast = Literal["int", "number", "lower", "upper", "trim"]
SIMPLE_CASTS: tuple[SimpleCast, ...] = ("int", "number", "lower", "upper", "trim")


@dataclass(frozen=True, slots=True)
class DateCast:
    """Read with the first of these strptime formats that fits, written as ISO 8601.

    The `st`, `nd`, `rd`, `th` after a number is dropped before reading.
    """

    formats: tuple[str, ...]


Cast = SimpleCast | DateCast


@dataclass(frozen=True, slots=True)
class Group:
    """The text of a named group, cast in turn; null where the group is absent or a cast fails.

    `int`, `number` and a date come last: what follows would have no text to work on.
    """

    name: str
    casts: tuple[Cast, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is always the same."""

    value: Any


Part = Group | Fixed


@dataclass(frozen=True, slots=True)
class Extract:
    """The first pattern found in the text gives an object (`output`) or one `value`.

    `output` lists (key, part); it is empty when `value` is set. A value that comes out null is
    no answer. A pattern need not have every group: what it lacks is null.
    """

    path: Path
    patterns: tuple[str, ...]
    output: tuple[tuple[str, Part], ...] = ()
    value: Group | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value that stands beside the field's text, without its outer spaces, in a table.

    Null there is no answer, like a text that the table lacks.
    """

    path: Path
    table: tuple[tuple[str, Any], ...]
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class RulesDocument:
    """One rule document. `origin` leads back to the lines it was read from."""

    rules: tuple[Rule, ...] = ()
    lookup: Lookup | None = None
    extract: Extract | None = None
    score: PointScore | None = None
    default: Outcome | None = None
    about: str = ""
    origin: YamlDocument | None = field(default=None, compare=False, repr=False)


def from_structure(structure: Structure, about: str = "") -> RulesDocument:
    """The document that answers as an induced structure does; a tree becomes rules."""
    match structure:
        case DecisionList(rules, default):
            return RulesDocument(rules=rules, default=default, about=about)
        case PointScore():
            return RulesDocument(score=structure, about=about)
        case tree:
            rules = tuple(_paths(tree, ()))
            return RulesDocument(rules=rules[:-1], default=rules[-1].outcome, about=about)


def _paths(tree: Tree, above: tuple[Condition, ...]) -> list[Rule]:
    """One rule a leaf, the yes side first.

    Once the yes side is answered, the no side need not repeat the negated condition.
    """
    if not isinstance(tree, Split):
        return [Rule(above, tree)]
    return [*_paths(tree.yes, (*above, tree.condition)), *_paths(tree.no, above)]
