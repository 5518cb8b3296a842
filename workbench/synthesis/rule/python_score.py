"""Point scores as Python: tables of points, and the lines that add them up."""

from __future__ import annotations

from typing import Any

from workbench.synthesis.kinds import class_label
from workbench.synthesis.rule.conditions import Compares, Condition, Quantity
from workbench.synthesis.rule.python_conditions import ConditionWriter
from workbench.synthesis.rule.python_source import (
    collection,
    confidence,
    conjunction,
    constant,
    quoted,
)
from workbench.synthesis.rule.structures import ConditionPoints, PointScore, TermPoints


def write_score(score: PointScore, writer: ConditionWriter) -> list[str]:
    """The body of the deciding function; tables go to the writer's constants."""
    labels = [label for label, _ in score.start]
    plain = all(isinstance(label, str) for label in labels)
    keys = [quoted(label if plain else class_label(label)) for label in labels]
    items = [f"{key}: {points}" for key, (_, points) in zip(keys, score.start, strict=True)]
    body = [f"    points = {collection(items, '{}', 4, 9)}"]
    body += _number_lines(score, keys, writer)
    body += _condition_lines(score, keys, writer)
    body += _term_lines(score, keys, writer)
    confidences = writer.constant_name("confidence by lead", "CONFIDENCE")
    steps = [f"({lead}, {confidence(sure)})" for lead, sure in score.confidences]
    writer.constants.append(
        "# How sure a lead over the second best makes the answer: (lead, confidence), ascending.\n"
        f"{confidences} = {collection(steps, '()', 0, len(confidences) + 3)}\n"
    )
    body += ["", "    label = max(points, key=lambda each: points[each])  # of equals, the first"]
    body += _lead_lines(len(labels))
    body.append(f"    sure = [each for least, each in {confidences} if lead >= least][-1]")
    if plain:
        return [*body, "    return label, sure"]
    answers = writer.constant_name("answers", "ANSWERS")
    pairs = [f"{key}: {constant(label)}" for key, label in zip(keys, labels, strict=True)]
    writer.constants.append(f"{answers} = {collection(pairs, '{}', 0, len(answers) + 3)}\n")
    return [*body, f"    return {answers}[label], sure"]


def _lead_lines(labels: int) -> list[str]:
    if labels < 2:
        return ["    lead = 0"]
    return [
        "    best, second = sorted(points.values(), reverse=True)[:2]",
        "    lead = best - second",
    ]


def _number_lines(score: PointScore, keys: list[str], writer: ConditionWriter) -> list[str]:
    """Points for numbers above thresholds, as one table."""
    tables: dict[Quantity, list[str]] = {}
    for item in score.points:
        if isinstance(item, ConditionPoints) and _is_threshold(item.condition):
            assert isinstance(item.condition, Compares)
            row = f"({constant(item.condition.value)}, {keys[item.place]}, {item.points})"
            tables.setdefault(item.condition.quantity, []).append(row)
    if not tables:
        return []
    table = writer.constant_name("number points", "POINTS")
    rows: list[str] = []
    numbers: list[str] = []
    for quantity, found in tables.items():
        expression = writer.quantity(quantity)
        numbers.append(f"        {quoted(expression)}: {expression},")
        rows.append(f"    {quoted(expression)}: {collection(found, '()', 4, len(expression) + 4)},")
    writer.constants.append(
        "# Points for a number above a threshold: (threshold, label, points).\n"
        f"{table} = {{\n" + "\n".join(rows) + "\n}\n"
    )
    return [
        "    numbers = {",
        *numbers,
        "    }",
        f"    for name, rows in {table}.items():",
        "        for threshold, label, worth in rows:",
        "            if numbers[name] > threshold:",
        "                points[label] += worth",
    ]


def _is_threshold(condition: Condition) -> bool:
    return isinstance(condition, Compares) and condition.operator == ">"


def _condition_lines(score: PointScore, keys: list[str], writer: ConditionWriter) -> list[str]:
    given: dict[Condition, list[tuple[str, int]]] = {}
    for item in score.points:
        if isinstance(item, ConditionPoints) and not _is_threshold(item.condition):
            given.setdefault(item.condition, []).append((keys[item.place], item.points))
    lines: list[str] = []
    for condition, worths in given.items():
        lines.append(conjunction([writer.expression(condition)], 4))
        for key, worth in worths:
            lines.append(f"        points[{key}] {'+=' if worth > 0 else '-='} {abs(worth)}")
    return lines


def _term_lines(score: PointScore, keys: list[str], writer: ConditionWriter) -> list[str]:
    """Points for terms, as one table for each text."""
    tables: dict[Any, list[str]] = {}
    for item in score.points:
        if isinstance(item, TermPoints):
            terms = collection([quoted(term) for term in item.terms], "{}", 4, 30)
            row = f"    ({keys[item.place]}, {item.points}, {terms}),"
            tables.setdefault(item.path, []).append(row)
    lines: list[str] = []
    for path, rows in tables.items():
        found = writer.term_set(path)
        table = writer.constant_name(f"{path[-1]} points", "POINTS")
        writer.constants.append(
            "# Points for each of some words that occurs: (label, points, words).\n"
            f"{table} = (\n" + "\n".join(rows) + "\n)\n"
        )
        lines += [
            f"    for label, worth, words in {table}:",
            f"        points[label] += worth * len({found} & words)",
        ]
    return lines
