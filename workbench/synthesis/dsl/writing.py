"""Rule documents written as YAML that a person would write; what is read back is the same."""

from __future__ import annotations

from typing import Any

import yaml

from workbench.synthesis.dsl.document import (
    FORMAT_VERSION,
    Cast,
    DateCast,
    Extract,
    Fixed,
    Part,
    RulesDocument,
)
from workbench.synthesis.dsl.write_conditions import condition_data, path_data
from workbench.synthesis.rule.structures import Outcome, PointScore, Rule, TermPoints

WIDTH = 96
LONG_TEXT = 72


class _Dumper(yaml.SafeDumper):
    """Blocks for what is long, one line for what fits on one; indents lists under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_short(node: yaml.Node, room: int = WIDTH - 24) -> bool:
    return _width(node) <= room


def _width(node: yaml.Node) -> int:
    if isinstance(node, yaml.ScalarNode):
        many_lines = "\n" in node.value or node.style == "|"
        return 1_000 if many_lines else len(node.value) + 2
    if isinstance(node, yaml.SequenceNode):
        return sum(_width(item) + 2 for item in node.value) + 2
    return sum(_width(key) + _width(value) + 4 for key, value in node.value) + 2


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    pattern = "\\" in text and " " in text  # folded at its spaces it would be hard to read
    style = "|" if len(text) > LONG_TEXT and pattern else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.SequenceNode:
    node = dumper.represent_sequence("tag:yaml.org,2002:seq", data)
    words = all(isinstance(item, yaml.ScalarNode) and _is_short(item, 40) for item in node.value)
    node.flow_style = words or _is_short(node)
    return node


def _represent_mapping(dumper: yaml.SafeDumper, data: dict[Any, Any]) -> yaml.MappingNode:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", data.items())
    node.flow_style = "then" not in data and "v" not in data and _is_short(node)
    return node


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(dict, _represent_mapping)


def dump_rules(document: RulesDocument) -> str:
    """The document as YAML."""
    data: dict[str, Any] = {"v": FORMAT_VERSION}
    if document.about:
        data["about"] = document.about
    if document.rules:
        data["rules"] = [_rule_data(rule) for rule in document.rules]
    if document.lookup:
        lookup = document.lookup
        data["lookup"] = {"field": path_data(lookup.path)}
        if lookup.ignore_case:
            data["lookup"]["ignore_case"] = True
        data["lookup"]["table"] = dict(lookup.table)
    if document.extract:
        data["extract"] = _extract_data(document.extract)
    if document.score:
        data["score"] = _score_data(document.score)
    if document.default:
        data["default"] = _default_data(document.default)
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _rule_data(rule: Rule) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if rule.conditions:
        conditions = [condition_data(each) for each in rule.conditions]
        data["when"] = conditions[0] if len(conditions) == 1 else conditions
    return data | _outcome_data(rule.outcome)


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    data: dict[str, Any] = {"then": outcome.label}
    if outcome.confidence != 1.0:
        data["confidence"] = outcome.confidence
    if outcome.support:
        data["support"] = outcome.support
        data["correct"] = outcome.correct
    return data


def _default_data(outcome: Outcome) -> Any:
    data = _outcome_data(outcome)
    plain = len(data) == 1 and not (isinstance(outcome.label, dict) and "then" in outcome.label)
    return outcome.label if plain else data


def _score_data(score: PointScore) -> dict[str, Any]:
    labels = [label for label, _ in score.start]
    points: list[dict[str, Any]] = []
    for item in score.points:
        given: dict[str, Any]
        if isinstance(item, TermPoints):
            given = {"field": path_data(item.path), "each_of": list(item.terms)}
        else:
            given = {"when": condition_data(item.condition)}
        points.append(given | {"label": labels[item.place], "points": item.points})
    return {
        "start": [{"label": label, "points": begin} for label, begin in score.start],
        "points": points,
        "confidences": [
            {"lead": lead, "confidence": confidence} for lead, confidence in score.confidences
        ],
    }


def _extract_data(part: Extract) -> dict[str, Any]:
    data: dict[str, Any] = {"field": path_data(part.path)}
    if len(part.patterns) == 1:
        data["pattern"] = part.patterns[0]
    else:
        data["patterns"] = list(part.patterns)
    if part.value is not None:
        data["value"] = _part_data(part.value)
    else:
        data["output"] = {key: _part_data(piece) for key, piece in part.output}
    return data


def _part_data(part: Part) -> Any:
    if isinstance(part, Fixed):
        return {"value": part.value}
    if not part.casts:
        return part.name
    casts = [_cast_data(cast) for cast in part.casts]
    return {"group": part.name, "as": casts[0] if len(casts) == 1 else casts}


def _cast_data(cast: Cast) -> Any:
    if not isinstance(cast, DateCast):
        return cast
    return {"date": cast.formats[0] if len(cast.formats) == 1 else list(cast.formats)}
