"""A day's statistics, kept up to date as lines come, are what the log gives when read again."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.rollup import daily_stats, stats
from runtime.models import Example
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.state import State, open_state
from runtime.steward.statistics import StatisticsObserver
from tests.support import TASK, log_line, make_task

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = NOW.date()


class Box:
    """A task with a steward that keeps its statistics, made anew as often as asked."""

    def __init__(self, root: Path, examples: tuple[Example, ...] = ()) -> None:
        self.data_dir = DataDir(root)
        make_task(self.data_dir, examples=examples)
        self.folder = self.data_dir.executions(TASK)
        self.folder.mkdir(parents=True)
        self.state: State = open_state(self.data_dir)
        self.moment = NOW
        self.start()

    def start(self) -> None:
        context = StewardContext(self.data_dir, DeploymentConfig(), self.state, lambda: self.moment)
        observer = StatisticsObserver(context)
        self.state.create(observer.tables)
        self.steward = Steward(context, [observer])

    def append(self, *lines: bytes, writer: str = "") -> None:
        name = f"{DAY}{'.' + writer if writer else ''}.jsonl"
        with (self.folder / name).open("ab") as file:
            file.writelines(line + b"\n" for line in lines)

    def written(self) -> dict:
        """The day's file after everything was read."""
        self.steward.read_all()
        self.moment += timedelta(seconds=20)
        self.steward.tick(self.moment)
        return json.loads(self.data_dir.daily_stats_file(TASK, DAY).read_bytes())


@pytest.fixture
def box(tmp_path: Path):
    box = Box(tmp_path / "data")
    yield box
    box.state.close()


def traffic(dice: random.Random, count: int, first: int = 0) -> list[bytes]:
    lines = []
    for number in range(first, first + count):
        status = dice.choice(["success"] * 8 + ["error", "timeout"])
        lines.append(
            log_line(
                number,
                f"2026-11-22T{dice.randint(0, 11):02d}:10:{dice.randint(0, 59):02d}.000000Z",
                status=status,
                program_version=dice.randint(1, 3),
                output=dice.choice(["spam", "ham", 3, {"a": dice.randint(0, 5)}, None]),
                latency_ms=round(dice.expovariate(1), 4),
                **({"error": {"type": "KeyError"}} if status == "error" else {}),
                **({"confidence": 0.5} if dice.random() < 0.5 else {}),
            )
        )
    return sorted(lines, key=lambda line: json.loads(line)["timestamp"])


def test_one_writers_day_is_the_same_to_the_byte(box: Box):
    dice = random.Random(1)
    for start in range(0, 3000, 600):
        box.append(*traffic(dice, 600, start))
        written = box.written()
        box.start()  # as after a restart
    lines = (box.folder / f"{DAY}.jsonl").read_bytes().splitlines()
    assert written["executions"] == len(lines) == 3000
    assert written == daily_stats(box.data_dir, TASK, DAY)


def test_a_day_of_many_writers_has_the_same_figures(box: Box):
    dice = random.Random(2)
    for start in range(0, 1200, 200):
        box.append(*traffic(dice, 200, start), writer=str(start % 3 or ""))
        written = box.written()
    derived = daily_stats(box.data_dir, TASK, DAY)
    assert _rounded(written) == _rounded(derived)


def test_malformed_lines_are_counted_the_same(box: Box):
    box.append(log_line(1), b"no json", b"{}", log_line(2, latency_ms="slow"), log_line(3))
    written = box.written()
    assert written["malformed_lines"] == 3
    assert written == daily_stats(box.data_dir, TASK, DAY)


def test_the_file_of_today_is_used_when_nothing_came_since(box: Box, monkeypatch):
    box.append(log_line(1))
    written = box.written()
    monkeypatch.setattr("runtime.datasets.rollup.daily_stats", None)
    assert stats(box.data_dir, TASK, [DAY], DAY)["executions"] == written["executions"] == 1


def test_many_distinct_outputs_outlive_a_restart(box: Box):
    box.append(*(log_line(n, output=f"name {n % 900}") for n in range(1800)))
    box.steward.read_all()
    box.start()
    box.append(*(log_line(n, output=f"name {n % 900}") for n in range(1800, 2700)))
    assert box.written() == daily_stats(box.data_dir, TASK, DAY)


def validation(number: int, match: bool, probability: float, version: int = 1) -> bytes:
    fields = {"match": match, "inclusion_probability": probability, "program_version": version}
    return log_line(number, **fields)


def test_agreement_is_weighted_by_inverse_probability_for_each_version(box: Box):
    folder = box.data_dir.validations(TASK)
    folder.mkdir(parents=True)
    lines = [validation(n, n % 2 == 0, 0.2 if n % 2 else 0.01) for n in range(40)]
    lines += [validation(100 + n, True, 0.1, version=2) for n in range(10)]
    (folder / f"sampled-{DAY}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    box.append(*(log_line(n, program_version=1 + n % 2) for n in range(100)))
    written = box.written()
    first = written["versions"]["1"]["agreement"]
    # Those that matched stand for 100 executions each, the others for 5.
    assert first["value"] == pytest.approx(100 / 105, abs=1e-6)
    assert first["observed"] == 40
    assert first["low"] < first["value"] < first["high"]
    assert written["versions"]["2"]["agreement"]["value"] == 1
    assert written == daily_stats(box.data_dir, TASK, DAY)
    total = stats(box.data_dir, TASK, [DAY], DAY)
    assert total["versions"]["1"]["agreement"]["value"] == first["value"]
    assert total["by_day"][0]["versions"]["2"]["agreement"]["observed"] == 10


def test_a_second_answer_to_the_same_execution_takes_the_place_of_the_first(box: Box):
    folder = box.data_dir.validations(TASK)
    folder.mkdir(parents=True)
    lines = [validation(1, False, 0.1), validation(1, True, 0.1)]
    (folder / f"sampled-{DAY}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    box.append(log_line(1))
    agreement = box.written()["agreement"]
    assert (agreement["observed"], agreement["value"]) == (1, 1)


def test_drift_is_said_when_other_inputs_come(tmp_path: Path):
    dice = random.Random(3)

    def text(words: list[str]) -> str:
        return " ".join(dice.choice(words) for _ in range(8))

    usual, other = ["buy", "now", "hello", "you"], ["invoice", "overdue", "payment", "bank"]
    examples = tuple(
        Example(input={"text": text(usual)}, output=dice.choice(["spam", "ham"])) for _ in range(80)
    )
    box = Box(tmp_path / "data", examples)
    box.append(*(
        log_line(n, f"{DAY}T10:00:00.000000Z", input={"text": text(usual)},
                 output=dice.choice(["spam", "ham"])) for n in range(400)))  # fmt: skip
    assert box.written()["drift"]["level"] == "stable"
    box.append(*(
        log_line(n, f"{DAY}T11:00:00.000000Z", input={"text": text(other)}, output="spam")
        for n in range(400, 1200)))  # fmt: skip
    drift = box.written()["drift"]
    assert drift["level"] == "alert"
    levels = {feature["feature"]: feature["level"] for feature in drift["features"]}
    assert levels["input words"] == "alert"
    assert levels["output"] != "stable"
    recent = json.loads((box.data_dir.analytics(TASK) / "drift.json").read_bytes())
    assert recent["records"] == 1200
    box.state.close()


counts = st.lists(st.tuples(st.booleans(), st.floats(0.01, 1)), max_size=20)


@given(counts, counts)
@settings(deadline=None)
def test_shares_of_parts_add_up_to_the_share_of_all(first, second):
    from runtime.sampling.estimate import ShareSums

    parts, whole = [ShareSums(), ShareSums()], ShareSums()
    for part, observations in zip(parts, (first, second), strict=True):
        for match, probability in observations:
            part.add(match, probability)
            whole.add(match, probability)
    parts[0].merge(ShareSums.from_json(json.loads(json.dumps(parts[1].as_json()))))
    assert parts[0].as_json() == pytest.approx(whole.as_json())


def _rounded(value):
    """Sums of floats in another order differ in their last digits."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def test_a_day_long_ago_is_whole_although_it_was_read_in_many_turns(box: Box) -> None:
    box.moment = NOW + timedelta(days=30)  # the log was there before the steward
    box.start()
    for turn in range(4):
        box.append(*(log_line(number) for number in range(100 * turn, 100 * turn + 100)))
        figures = box.written()
        assert figures["executions"] == 100 * (turn + 1)
    derived = daily_stats(box.data_dir, TASK, DAY)
    for name in ("throughput", "outputs", "drift", "status"):
        assert figures[name] == derived[name], name
    box.moment += timedelta(hours=2)
    box.steward.tick(box.moment)
    days = box.state.connection.execute("SELECT count(*) FROM day_seconds").fetchone()[0]
    assert days == 0, "once nothing more comes of it, it is forgotten; its file stays"
    assert json.loads(box.data_dir.daily_stats_file(TASK, DAY).read_bytes()) == figures
