"""Rule documents as plain Python; conditions and scores by the very writer of the rule strategy."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.models import TaskSpecification
from workbench.synthesis.dsl.document import Extract, Lookup, RulesDocument
from workbench.synthesis.dsl.write_extract import extract_fragment, lookup_fragment
from workbench.synthesis.fragment import Fragment, write_program
from workbench.synthesis.rule.python_source import confidence, constant
from workbench.synthesis.rule.structures import DecisionList, Outcome, PointScore
from workbench.synthesis.rule.write_python import write_python

FUNCTION = "answer"
ABOUT = "Compiled from a rule document."


def compile_rules(document: RulesDocument, task: TaskSpecification) -> str:
    """The whole of `program.py` but its launcher, for a document that check_rules finds sound."""
    return write_program(task, document_fragment(document), document.about or ABOUT)


def document_fragment(document: RulesDocument) -> Fragment:
    """Python whose `answer(input_data)` gives what answering.answer_document gives.

    It returns (output, confidence), or the bare output where a lookup or an extraction is all
    there is; None where nothing answers.
    """
    parts = list(_parts(document))
    if isinstance(parts[0], DecisionList) and len(parts) == 1:
        whole = DecisionList(parts[0].rules, document.default)
        return write_python(whole, FUNCTION, prefix="")
    if len(parts) == 1 and (document.default is None or isinstance(parts[0], PointScore)):
        return _fragment(parts[0], FUNCTION, "")
    alone = len(parts) == 1
    fragments = [_fragment(part, _name(part), "" if alone else _name(part)) for part in parts]
    imports = sorted({line for fragment in fragments for line in fragment.imports})
    sources = [fragment.source.strip("\n") + "\n" for fragment in fragments]
    joined = "\n".join(_joining_lines(fragments, document.default)) + "\n"
    return Fragment(
        FUNCTION, "\n\n".join([*sources, joined]), tuple(imports), gives_confidence=True
    )


Part = DecisionList | Lookup | Extract | PointScore


def _parts(document: RulesDocument) -> Iterator[Part]:
    """What can answer, in order, the default aside; rules where there is nothing else."""
    others = [part for part in (document.lookup, document.extract, document.score) if part]
    if document.rules or not others:
        yield DecisionList(document.rules, None)
    yield from others


def _name(part: Part) -> str:
    match part:
        case DecisionList():
            return "by_rules"
        case Lookup():
            return "by_lookup"
        case Extract():
            return "by_extraction"
        case _:
            return "by_score"


def _fragment(part: Part, function: str, prefix: str) -> Fragment:
    match part:
        case Lookup():
            return lookup_fragment(part, function, prefix)
        case Extract():
            return extract_fragment(part, function, prefix)
        case _:
            return write_python(part, function, prefix=prefix)


def _joining_lines(fragments: list[Fragment], default: Outcome | None) -> Iterator[str]:
    yield f"def {FUNCTION}(input_data):"
    yield '    """The first answer there is, and how sure it is."""'
    for fragment in fragments:
        yield f"    found = {fragment.function}(input_data)"
        yield "    if found is not None:"
        yield f"        return {'found' if fragment.gives_confidence else 'found, 1.0'}"
    if default is None:
        yield "    return None"
    else:
        yield f"    return {constant(default.label)}, {confidence(default.confidence)}"
