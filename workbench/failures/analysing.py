"""A whole analysis: both passes over an engine, put into one report with words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import NormalDist
from typing import Any

import msgspec

from workbench.failures.counting import Group, Key, count_source
from workbench.failures.slicing import Slices, Slicing, seen, slice_source
from workbench.failures.told import Source
from workbench.improve.patterns import field_kinds, find_patterns
from workbench.replay.replaying import Step, Unread, finish_output
from workbench.replay.results import GROUPS_FILE, part_name, table_bytes, write_whole
from workbench.replay.tally import InOrder
from workbench.synthesis.evaluation import wilson_interval

FORMAT_VERSION = 1
MOST_CAUSES = 10
MOST_PLACES = 10
MOST_EXAMPLES = 10

Engine = Callable[[Callable[[Any], dict[str, Any]], Sequence[Any]], Iterator[dict[str, Any]]]
Tell = Callable[[str, Step], None]


def analyse(
    sources: Sequence[Source],
    engine: Engine,
    output: str | None = None,
    tell: Tell = lambda _, __: None,
) -> dict[str, Any]:
    """The report: `{"v", "rows", "failed", "skipped", "problems", "parts", "groups": [...],
    "without_failures"}`, the group with most failures first.

    It depends neither on the engine nor on how often it was begun. With `output`, a folder (path
    or URL), every failure stands there as Parquet, and the report as `summary.json`. Raises
    LoopaiError.
    """
    groups, unread = _count(sources, engine, tell)
    slicing = Slicing({key: _slices(key, group) for key, group in groups.items()}, output)
    counts = _slice(slicing, sources, engine, tell)
    failing = [key for key, group in groups.items() if group.failed]
    failing.sort(key=lambda key: (-groups[key].failed, key))
    report = {
        "v": FORMAT_VERSION,
        "rows": sum(group.rows for group in groups.values()),
        "failed": sum(group.failed for group in groups.values()),
        **unread.as_json(),
        "parts": len(sources),
        "groups": [_described(key, groups[key], slicing.slices[key], counts) for key in failing],
        "without_failures": len(groups) - len(failing),
    }
    if output is not None:
        kept = {part_name(one.number, slicing.part_id(one)) for one in sources}
        finish_output(output, kept, report)
        write_whole(output, GROUPS_FILE, table_bytes(_flat(report["groups"])))
    return report


def _count(
    sources: Sequence[Source], engine: Engine, tell: Tell
) -> tuple[dict[Key, Group], Unread]:
    groups: dict[Key, Group] = {}
    unread = Unread()

    def take(found: list[list[Any]]) -> None:
        for task, version, kind, counted in found:
            groups.setdefault((task, version, kind), Group()).merge(Group.from_json(counted))

    ordered = InOrder(take)
    rows = 0
    for done, part in enumerate(engine(count_source, sources), start=1):
        ordered.add(part["part"], part["groups"])
        unread.add(part)
        rows += part["rows"]
        tell("counting", Step(done, len(sources), rows))
    return groups, unread


def _slices(key: Key, group: Group) -> Slices:
    """What the failures that were kept have in common, and the successes have not."""
    bad, good = (
        [
            seen(key[2], row["status"], row["input"], row["answered"])
            for _, row in sorted(sample.rows.items())
        ]
        for sample in (group.failures, group.successes)
    )
    patterns = tuple(pattern.words for pattern in find_patterns(bad, good))
    return Slices(field_kinds([*bad, *good]), patterns)


def _slice(
    slicing: Slicing, sources: Sequence[Source], engine: Engine, tell: Tell
) -> dict[tuple[Key, str], list[int]]:
    counts: dict[tuple[Key, str], list[int]] = {}
    rows = 0
    if slicing.output is None and not any(each.patterns for each in slicing.slices.values()):
        return counts
    for done, part in enumerate(engine(partial(slice_source, slicing), sources), start=1):
        for task, version, kind, pattern, there, failed in part["slices"]:
            counted = counts.setdefault(((task, version, kind), pattern), [0, 0])
            counted[0] += there
            counted[1] += failed
        rows += part["rows"]
        tell("slicing", Step(done, len(sources), rows))
    return counts


def _described(
    key: Key, group: Group, asked: Slices, counts: dict[tuple[Key, str], list[int]]
) -> dict[str, Any]:
    task, version, kind = key
    examples = [row for _, row in sorted(group.failures.rows.items())][:MOST_EXAMPLES]
    low, high = wilson_interval(group.failed, group.rows)
    found: dict[str, Any] = {
        "task": task,
        "version": version,
        "kind": kind,
        "rows": group.rows,
        "failed": group.failed,
        "rate": round(group.failed / group.rows, 6),
        "interval": [round(low, 6), round(high, 6)],
        # Weighted by how likely each was judged: what all executions would show.
        "share": group.share.share().as_json(),
        "statuses": group.statuses,
        "without_input": group.rows - group.with_input,
        "causes": _causes(kind, group),
        "slices": [
            _sliced(words, group, counts.get((key, words), [0, 0])) for words in asked.patterns
        ],
        "deployments": _places(group, "deployment"),
        "days": _places(group, "day"),
        "examples": examples,
    }
    return {**found, "in_words": in_words(found)}


def _causes(kind: str, group: Group) -> list[dict[str, Any]]:
    top, _ = group.causes.top(MOST_CAUSES)
    if kind == "executed":
        return [{"error": text, "rows": count} for text, count in top]
    pairs = [(*msgspec.json.decode(text), count) for text, count in top]
    return [{"answered": got, "right": right, "rows": count} for got, right, count in pairs]


def _sliced(words: str, group: Group, counted: list[int]) -> dict[str, Any]:
    """`elsewhere` is how often inputs fail that do not have it."""
    rows, failed = counted
    low, high = wilson_interval(failed, rows)
    others = group.with_input - rows
    left = group.failed_with_input - failed
    return {
        "slice": words,
        "rows": rows,
        "failed": failed,
        "rate": round(failed / rows, 6) if rows else None,
        "interval": [round(low, 6), round(high, 6)],
        "of_failures": round(failed / group.failed_with_input, 6),
        "elsewhere": round(left / others, 6) if others else None,
    }


def _places(group: Group, name: str) -> list[dict[str, Any]]:
    """Those with most failures; `worse`: surely more often than over all of them, by an interval
    that is wider the more places there are (Bonferroni), so that luck names none."""
    overall = wilson_interval(group.failed, group.rows)[1]
    z = NormalDist().inv_cdf(1 - 0.025 / len(group.by[name]))
    ordered = sorted(group.by[name].items(), key=lambda one: (-one[1][1], one[0]))
    return [
        {
            name: value,
            "rows": rows,
            "failed": failed,
            "rate": round(failed / rows, 6),
            "worse": wilson_interval(failed, rows, z)[0] > overall,
        }
        for value, (rows, failed) in ordered[:MOST_PLACES]
        if failed
    ]


def in_words(found: dict[str, Any]) -> list[str]:
    """What a person should know of a group, the whole first."""
    judged = found["kind"] == "judged"
    low, high = found["interval"]
    which, failing = (
        ("judged executions", "were wrong") if judged else ("executions", "gave no answer")
    )
    said = [
        f"{found['failed']:,} of {found['rows']:,} {which} of {found['task']} "
        f"v{found['version']} {failing} ({found['rate']:.1%}, 95 % interval {low:.1%} to "
        f"{high:.1%})"
    ]
    for one in found["slices"]:
        rest = "" if one["elsewhere"] is None else f", {one['elsewhere']:.1%} of all others"
        said.append(
            f"{one['failed']:,} of {one['rows']:,} that {one['slice']} fail "
            f"({one['rate'] or 0:.1%}){rest}; they are {one['of_failures']:.0%} of the failures "
            "whose input is known"
        )
    for one in found["causes"][:3]:
        if judged:
            said.append(
                f"{one['rows']:,} times it answered {one['answered']} where {one['right']} is right"
            )
        else:
            said.append(f"{one['rows']:,} times it ended with {one['error']}")
    for name in ("deployment", "day"):
        said += [
            f"on {one[name]} it fails more often: {one['failed']:,} of {one['rows']:,} "
            f"({one['rate']:.1%})"
            for one in found[f"{name}s"][:3]
            if one["worse"]
        ]
    if found["without_input"]:
        said.append(
            f"of {found['without_input']:,} the input stayed on the box, as its privacy mode asks"
        )
    return said


def _flat(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each group as a whole (`slice` null), and for each of its slices."""
    return [
        {
            **{name: group[name] for name in ("task", "version", "kind")},
            "slice": one.get("slice"),
            "rows": one["rows"],
            "failed": one["failed"],
            "rate": one["rate"],
            "low": one["interval"][0],
            "high": one["interval"][1],
        }
        for group in groups
        for one in (group, *group["slices"])
    ]
