"""`compare` cells: what changed between two versions, in figures, in behaviour, in source."""

from __future__ import annotations

from runtime.models import TaskSpecification
from workbench.commands.diff import behaviour_diff, source_diff
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, source_part, table_part, text_part

KEYS = ("old", "new")
CHANGED_SHOWN = 50


def check_compare(place: Place, task: TaskSpecification | None) -> dict[str, str]:
    """The versions the cell names, as they are written."""
    document, data = place.mapping(KEYS)
    for key, value in data.items():
        if isinstance(value, bool) or not str(value).removeprefix("v").isdigit():
            document.fail(f"{value!r} is no version.", (key,), "Write v1, v2, ...")
    return {key: str(value) for key, value in data.items()}


def run_compare(work: Work) -> CellResult:
    """The two versions side by side."""
    named = check_compare(work.place, None)
    task = work.specification(with_examples=True)
    new = work.stored_version(named["new"], None) if "new" in named else work.newest()
    old = work.stored_version(named["old"], None) if "old" in named else _before(work, new)
    reports = [work.store.metadata(task.name, version) for version in (old, new)]

    def say(done: float) -> None:
        work.interruption.check()
        work.say(f"running v{old} and v{new} on {len(task.examples):,} examples", done or None)

    behaviour = behaviour_diff(work.store, task, old, new, say)
    figures = [
        (
            f"v{version}",
            report["artifact"]["synthesis_strategy"],
            f"{report['evaluation'].get('accuracy', 0):.1%}",
            report["evaluation"].get("latency_ms", {}).get("p99"),
            int(report["artifact"].get("complexity_metrics", {}).get("bytes", 0)),
        )
        for version, report in zip((old, new), reports, strict=True)
    ]
    changed = behaviour["changed"]
    words = (
        f"{len(changed)} of {behaviour['examples']} answers differ: "
        f"{behaviour['won']} become right, {behaviour['lost']} become wrong"
    )
    parts = [
        table_part(("version", "strategy", "accuracy", "p99 ms", "bytes"), figures),
        text_part(words, "bad" if behaviour["lost"] > behaviour["won"] else ""),
    ]
    if changed:
        rows = [
            (each["row"], each["old"], each["new"], each["expected"], each["input"])
            for each in changed[:CHANGED_SHOWN]
        ]
        columns = ("row", f"v{old}", f"v{new}", "expected", "input")
        parts.append(table_part(columns, rows, len(changed)))
    difference = source_diff(work.store, task.name, old, new)
    parts.append(
        source_part(difference, "diff") if difference else text_part("The source is the same.")
    )
    return CellResult(f"v{old} and v{new}: {words}", tuple(parts))


def _before(work: Work, new: int) -> int:
    """The version made before `new` in this notebook, else on disk, else itself."""
    made = [version for version in work.versions if version < new]
    stored = [version for version in work.store.versions(work.task_name()) if version < new]
    return max(made or stored, default=new)
