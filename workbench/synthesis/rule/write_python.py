"""Induced structures as Python a person would be content to have written."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import class_label
from workbench.synthesis.rule.python_conditions import ConditionWriter
from workbench.synthesis.rule.python_score import write_score
from workbench.synthesis.rule.python_source import commented, confidence, conjunction, constant
from workbench.synthesis.rule.structures import (
    DecisionList,
    Outcome,
    PointScore,
    Split,
    Structure,
    Tree,
    all_terms,
)


def write_python(structure: Structure, function: str, *, prefix: str | None = None) -> Fragment:
    """Python whose `function(input_data)` gives what `structures.answer` gives.

    It returns (label, confidence); a decision list without a default returns None where no
    rule holds. Other names begin with `prefix`, which is `function` unless given; "" is for
    a program that holds nothing else.
    """
    writer = ConditionWriter(function, function if prefix is None else prefix, all_terms(structure))
    match structure:
        case DecisionList():
            about = "The label of the first rule that holds, and how sure it is."
            body = list(_list_lines(structure, writer))
        case PointScore():
            about = "The label with the most points, and how sure its lead makes it."
            body = write_score(structure, writer)
        case tree:
            about = "The label at the end of the branch taken, and how sure it is."
            body = list(_tree_lines(tree, writer, 4))
    head = [f"def {function}(input_data):", f'    """{about}"""']
    head.extend(f"    {line}" for line in writer.lines)
    deciding = "\n".join([*head, *body]) + "\n"
    blocks = ["".join(writer.all_constants()), *writer.readers(), deciding]
    source = "\n\n".join(block for block in blocks if block)
    return Fragment(function, source, writer.imports(), gives_confidence=True)


def _list_lines(rules: DecisionList, writer: ConditionWriter) -> Iterator[str]:
    for rule in rules.rules:
        label = class_label(rule.outcome.label)
        tests = [writer.expression(condition, label) for condition in rule.conditions]
        yield ""
        yield commented(evidence(rule.outcome), 4)
        if tests:
            yield conjunction(tests, 4)
            yield f"        {_return(rule.outcome)}"
        else:
            yield f"    {_return(rule.outcome)}"
            return
    yield ""
    if rules.default is None:
        yield "    return None"
    else:
        yield commented(f"The rest: {evidence(rules.default)}", 4)
        yield f"    {_return(rules.default)}"


def _tree_lines(tree: Tree, writer: ConditionWriter, indent: int) -> Iterator[str]:
    spaces = " " * indent
    if isinstance(tree, Outcome):
        yield f"{spaces}{_return(tree)}  # {_figures(tree)}"
        return
    yield conjunction([writer.expression(tree.condition)], indent)
    yield from _tree_lines(tree.yes, writer, indent + 4)
    if isinstance(tree.yes, Split):
        yield f"{spaces}else:"
        yield from _tree_lines(tree.no, writer, indent + 4)
    else:
        yield from _tree_lines(tree.no, writer, indent)


def _return(outcome: Outcome) -> str:
    return f"return {constant(outcome.label)}, {confidence(outcome.confidence)}"


def evidence(outcome: Outcome) -> str:
    """How a rule did on the examples it was learned from, such as `34 of 35 ... (97 %)`."""
    if outcome.support == 0:
        return "no training example"
    share = outcome.correct / outcome.support
    return f"{outcome.correct} of {outcome.support} training examples ({share:.0%})".replace(
        "%", " %"
    )


def _figures(outcome: Outcome) -> str:
    return f"{outcome.correct} of {outcome.support}"
