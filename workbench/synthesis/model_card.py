"""The model card of a version (Mitchell et al. 2019), a section of its README in Markdown.

Says what the program is for, what it was judged on, where it is weak and what would help. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.kinds import OutputKind, class_label, output_kind

MAX_CLASSES = 12
MAX_EXCERPT = 60


def model_card(
    task: TaskSpecification, strategy: str, label: str, report: Mapping[str, Any]
) -> list[str]:
    """The card's lines, from the task and the evaluation report of the chosen program."""
    lines = ["## Model card", "", *_verdict(task, report), ""]
    lines += [f"- **What it is:** {strategy} ({label}), plain Python, the same answer every time."]
    lines += [f"- **What it is for:** {_sentence(task.description)}"]
    lines += [f"- **What it learned from:** {_data(task, report)}"]
    lines += [f"- **How it was judged:** {_judged(report)}"]
    lines += [f"- **Confidence:** {_confidence(report)}"]
    lines += ["", "### Where it is weak", "", *_weaknesses(report)]
    lines += ["", "### Small edits of the input", "", *_sensitivity(task, report)]
    if "invariants" in report:
        lines += ["", "### What always held", "", *_invariants(report["invariants"])]
    lines += [
        "",
        "### What it is not for",
        "",
        "Inputs unlike its examples: it answers them too, with nothing to go by. Figures hold for "
        "inputs like those it was judged on; watch what it is given once it serves "
        f"(`loopai stats {task.name}`).",
    ]
    return lines


def improvements(report: Mapping[str, Any]) -> list[str]:
    """What would help most, a sentence each; none where nothing is wrong."""
    advice = []
    needs = report.get("needs") or []
    if needs:
        first = needs[0]
        taken = " and ".join(first["taken_for"])
        confused = f", mostly taken for {taken}" if taken else ""
        advice.append(
            f"More examples of {first['class']}: {first['wrong']} of its {first['examples']} are "
            f"wrong, {first['of_all_wrong']:.0%} of all mistakes{confused}."
        )
        others = [f"{need['class']} ({need['wrong']} wrong)" for need in needs[1:3]]
        if others:
            advice.append(f"Then of {' and '.join(others)}.")
    fields = report.get("fields") or {}
    if fields and min(fields.values()) < 1:
        weakest = min(fields, key=lambda name: (fields[name], name))
        advice.append(
            f"Examples that differ in the field {weakest!r}, which is right least often "
            f"({fields[weakest]:.0%})."
        )
    for weak in (report.get("weak_slices") or [])[:2]:
        if not weak["where"].startswith("expected output"):
            advice.append(
                f"Examples where {weak['where']}: {weak['wrong']} of {weak['examples']} are wrong."
            )
    return advice


def _verdict(task: TaskSpecification, report: Mapping[str, Any]) -> list[str]:
    accuracy, (low, _) = report["accuracy"], report["interval"]
    if accuracy >= task.accuracy_target:
        sure = "" if low >= task.accuracy_target else " It may be luck: the interval reaches below."
        return [f"**Good enough:** {accuracy:.1%}, the target is {task.accuracy_target:.1%}.{sure}"]
    lines = [f"**Not good enough:** {accuracy:.1%}, the target is {task.accuracy_target:.1%}."]
    advice = improvements(report)
    if advice:
        lines += ["", "What would help most:", ""]
        lines += [f"{number}. {sentence}" for number, sentence in enumerate(advice, start=1)]
    lines += ["", f"The next inputs worth labelling: `loopai suggest {task.name}`."]
    return lines


def _data(task: TaskSpecification, report: Mapping[str, Any]) -> str:
    outputs = [example.output for example in task.examples]
    text = f"{report['learned_from']} examples"
    made = sum(1 for example in task.examples if example.origin)
    if made:
        text += f", {made} of them added by machine"
    if output_kind(task.output_schema, outputs) is OutputKind.CLASS:
        counts = Counter(class_label(output) for output in outputs).most_common()
        shown = ", ".join(f"{name} {count}" for name, count in counts[:MAX_CLASSES])
        text += f" ({shown}{', ...' if len(counts) > MAX_CLASSES else ''})"
    return text + "."


def _judged(report: Mapping[str, Any]) -> str:
    low, high = report["interval"]
    how = "held out" if report["method"] == "held-out" else "in cross-validation"
    return (
        f"{report['correct']} of {report['examples']} examples right that it had not seen ({how}): "
        f"{report['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}. Always giving the "
        f"commonest output would be right for {report['baseline']:.1%}."
    )


def _confidence(report: Mapping[str, Any]) -> str:
    if "calibration_error" not in report:
        return "it gives none."
    text = f"off by {report['calibration_error']:.1%} on average (expected calibration error)."
    bins = report.get("confidence_bins") or []
    if bins:
        top = bins[-1]
        text += (
            f" Where it is {top['from']:.0%} sure or more, {top['accuracy']:.1%} of "
            f"{top['examples']} are right."
        )
    return text


def _weaknesses(report: Mapping[str, Any]) -> list[str]:
    weak: Sequence[Mapping[str, Any]] = report.get("weak_slices") or []
    tested = report.get("slices_tested", 0)
    if not weak:
        return [f"Nowhere surely weaker than elsewhere, of {tested} slices looked at."]
    lines = ["| where | examples | right | 95 % interval |", "|---|---|---|---|"]
    lines += [
        f"| {one['where']} | {one['examples']} | {one['accuracy']:.1%} "
        f"| {one['interval'][0]:.1%} to {one['interval'][1]:.1%} |"
        for one in weak
    ]
    return [
        *lines,
        "",
        f"Named of {tested} slices looked at, by Fisher's exact test; at most a tenth of such "
        "names are expected to be chance (Benjamini-Hochberg).",
    ]


def _sensitivity(task: TaskSpecification, report: Mapping[str, Any]) -> list[str]:
    measured: Mapping[str, Mapping[str, Any]] = report.get("sensitivity") or {}
    if not measured:
        return ["None of the edits tried applies to these inputs."]
    lines = ["| edit | outputs that change | for example |", "|---|---|---|"]
    for kind, figures in measured.items():
        shown = ""
        if "example" in figures:
            own = figures["example"]
            shown = (
                f"{_excerpt(own['edited'])}: {_excerpt(own['output'])} → {_excerpt(own['then'])}"
            )
        lines.append(
            f"| {kind} | {figures['changed']} of {figures['inputs']} ({figures['share']:.1%}) "
            f"| {shown} |"
        )
    kind_of_output = output_kind(task.output_schema, [example.output for example in task.examples])
    if kind_of_output not in (OutputKind.CLASS, OutputKind.NUMBER):
        lines += ["", "Its output is made of the input, so that many of these changes are right."]
    return lines


def _invariants(held: Mapping[str, Any]) -> list[str]:
    return [
        f"On {held['example_inputs']} inputs of examples and {held['made_inputs']} made by "
        "machine:",
        "",
        *(f"- `{check}`" for check in held["hold"]),
    ]


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _excerpt(value: Any) -> str:
    text = class_label(value).replace("|", "\\|").replace("\n", " ")
    return f"`{text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 3] + '...'}`"
