"""A task's log and validations as series over time: one pass over each, bounded memory.

Reads only. The width of a step follows from the time there is, so a picture has about a hundred.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from runtime.datasets.reader import LogReader, Stamp
from runtime.datasets.sketch import QuantileSketch, TopValues
from runtime.sampling.estimate import Share, ShareSums
from runtime.validation.settle import read_validations
from workbench.synthesis.kinds import class_label

STEPS_SECONDS = (10, 30, 60, 300, 900, 3600, 10_800, 21_600, 86_400)
MOST_STEPS = 96
MOST_LABELS = 12
LEAST_IN_A_STEP = 25
LONGEST_LABEL = 40

Kind = Literal["labels", "numbers"]


class Line(Stamp):
    """What pictures need of an execution."""

    program_version: int | None = None
    status: str = "success"
    latency_ms: float = 0.0
    output: Any = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    erased: bool = False


@dataclass
class Step:
    """One step of time; `outputs` holds labels, `numbers` a sketch of numeric outputs."""

    status: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    latency: QuantileSketch = field(default_factory=QuantileSketch)
    outputs: Counter[str] = field(default_factory=Counter)
    numbers: QuantileSketch = field(default_factory=QuantileSketch)


@dataclass
class Series:
    """Everything over time. `part` is the output's property that `outputs` is of, "" for all."""

    seconds: int = 60
    steps: dict[datetime, Step] = field(default_factory=dict)
    #: Characters of inputs and outputs, as a model would have to read and write them.
    characters_in: int = 0
    characters_out: int = 0
    part: str = ""
    kind: Kind = "labels"
    accuracy: dict[int, dict[datetime, ShareSums]] = field(default_factory=dict)
    versions: dict[int, ShareSums] = field(default_factory=dict)
    mixed_up: Counter[tuple[str, str]] = field(default_factory=Counter)
    oracle_cost: float = 0.0
    validated: int = 0

    @property
    def moments(self) -> list[datetime]:
        return sorted(self.steps)

    def shares(self) -> dict[int, list[tuple[datetime, Share]]]:
        """Agreement with the oracles, by version and time: in steps so wide that one holds
        about 25 validations, versions beside each other."""
        moments = [moment for steps in self.accuracy.values() for moment in steps]
        if not moments:
            return {}
        span = (max(moments) - min(moments)).total_seconds() + self.seconds
        wanted = span / max(1.0, min(24.0, self.validated / LEAST_IN_A_STEP))
        seconds = next((s for s in STEPS_SECONDS if s >= max(wanted, self.seconds)), span)
        found = {}
        for place, (version, steps) in enumerate(sorted(self.accuracy.items())):
            wide: dict[datetime, ShareSums] = defaultdict(ShareSums)
            for moment, sums in steps.items():
                at = math.floor(moment.timestamp() / seconds) * seconds
                middle = at + seconds * (place + 1) / (len(self.accuracy) + 1)
                wide[datetime.fromtimestamp(middle, UTC)].merge(sums)
            found[version] = [(moment, sums.share()) for moment, sums in sorted(wide.items())]
        return found

    def labels(self, most: int) -> list[str]:
        """The commonest outputs."""
        total: Counter[str] = Counter()
        for step in self.steps.values():
            total.update(step.outputs)
        return [label for label, _ in sorted(total.items(), key=lambda p: (-p[1], p[0]))[:most]]


def read_series(
    data_dir: DataDir, task: str, first: date, output_schema: Mapping[str, Any]
) -> Series:
    """The series from a day on. Raises OSError when a folder cannot be read."""
    place, kind = _shown_output(output_schema)
    series = Series(part=place, kind=kind)
    reader = LogReader(data_dir.executions(task))
    series.seconds = _step_seconds(reader, data_dir, task, first)
    for line in reader.read(Line, first):
        _add(series, line)
    _drop_rare_labels(series)
    for record in read_validations(data_dir, task, first):
        _add_validation(series, record)
    return series


def _step_seconds(reader: LogReader, data_dir: DataDir, task: str, first: date) -> int:
    """From the first and the last moment in the files."""
    files = list_log_files(data_dir.executions(task), first)
    if not files:
        return STEPS_SECONDS[2]
    start = _first_moment(reader, files[0].day)
    end = max((file.path.stat().st_mtime for file in files), default=0.0)
    last_day = datetime(files[-1].day.year, files[-1].day.month, files[-1].day.day, tzinfo=UTC)
    end = min(end, last_day.timestamp() + 86_400)
    if start is None:
        return STEPS_SECONDS[2]
    span = max(end, last_day.timestamp()) - start.timestamp()
    return next((s for s in STEPS_SECONDS if span / s <= MOST_STEPS), STEPS_SECONDS[-1])


def _first_moment(reader: LogReader, day: date) -> datetime | None:
    for line in reader.read(Stamp, day, day):
        return _moment(line.timestamp)
    return None


def _moment(timestamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(timestamp)
    except ValueError:
        return None


def _step_of(series: Series, timestamp: str) -> datetime | None:
    moment = _moment(timestamp)
    if moment is None:
        return None
    at = math.floor(moment.timestamp() / series.seconds) * series.seconds
    return datetime.fromtimestamp(at, UTC)


def _add(series: Series, line: Line) -> None:
    at = _step_of(series, line.timestamp)
    if at is None:
        return
    step = series.steps.get(at)
    if step is None:
        step = series.steps[at] = Step()
    step.status[line.status] += 1
    step.versions[line.program_version or 0] += 1
    step.latency.add(line.latency_ms)
    series.characters_in += len(bytes(line.input))
    if line.status != "success" or line.erased:
        return
    series.characters_out += len(msgspec.json.encode(line.output))
    value = line.output
    if series.part and isinstance(value, dict):
        value = value.get(series.part)
    if series.kind == "numbers":
        if isinstance(value, int | float) and not isinstance(value, bool):
            step.numbers.add(value)
    elif len(step.outputs) < 1000:
        step.outputs[label(value)] += 1


def _drop_rare_labels(series: Series) -> None:
    kept = set(series.labels(MOST_LABELS))
    for step in series.steps.values():
        rare = sum(count for name, count in step.outputs.items() if name not in kept)
        step.outputs = Counter({n: c for n, c in step.outputs.items() if n in kept})
        if rare:
            step.outputs["others"] += rare


def _add_validation(series: Series, record: Mapping[str, Any]) -> None:
    at = _step_of(series, str(record.get("executed_at") or record["timestamp"]))
    probability = record.get("inclusion_probability", 1.0)
    version = record.get("program_version") or 0
    if at is None or not isinstance(probability, int | float) or not 0 < probability <= 1:
        return
    match = bool(record.get("match"))
    by_step = series.accuracy.setdefault(version, defaultdict(ShareSums))
    by_step[at].add(match, probability)
    series.versions.setdefault(version, ShareSums()).add(match, probability)
    series.oracle_cost += float(record.get("oracle_cost") or 0.0)
    series.validated += 1
    if record.get("erased"):
        return
    got: Any = record.get("output")
    right: Any = record.get("oracle_output")
    if series.part and isinstance(right, dict):
        right = right.get(series.part)
        got = got.get(series.part) if isinstance(got, dict) else None
    if series.kind == "labels" and len(series.mixed_up) < 5000:
        answered = label(got) if record.get("status") == "success" else "(no answer)"
        series.mixed_up[label(right), answered] += 1


def label(value: Any) -> str:
    """A value as it stands beside a picture: texts bare, long ones cut."""
    text = value if isinstance(value, str) else class_label(value)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _shown_output(schema: Mapping[str, Any]) -> tuple[str, Kind]:
    """Which part of an output is shown: of an object, its first property with few values."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return "", _kind(schema)
    ordered = sorted(properties.items(), key=lambda pair: _breadth(pair[1]))
    name, inner = ordered[0]
    return str(name), _kind(inner if isinstance(inner, Mapping) else {})


def _breadth(schema: Any) -> int:
    """How many values a property may have, roughly."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("enum"), Sequence):
            return len(schema["enum"])
        return {"boolean": 2, "integer": 1000, "number": 1001}.get(str(schema.get("type")), 5000)
    return 10_000


def _kind(schema: Mapping[str, Any]) -> Kind:
    numeric = schema.get("type") in ("integer", "number") and "enum" not in schema
    return "numbers" if numeric else "labels"


def top_labels(counts: Mapping[tuple[str, str], int], most: int = MOST_LABELS) -> list[str]:
    """The labels that occur most in pairs of them."""
    values = TopValues()
    for pair, count in counts.items():
        for name in set(pair):
            values.add(name, count)
    return [name for name, _ in values.top(most)[0]]


def total(counters: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of several counts."""
    added: Counter[str] = Counter()
    for counter in counters:
        added.update(counter)
    return added
