"""Daily statistics: right figures, and the same bytes however often they are derived."""

from __future__ import annotations

import gzip
import json
import math
import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import log_line

from runtime.data_dir import DataDir
from runtime.datasets.rollup import daily_stats, days_with_executions, stats, write_daily_stats
from runtime.datasets.sketch import RELATIVE_ERROR, QuantileSketch, TopValues

DAY = date(2026, 11, 22)
TODAY = date(2026, 11, 24)
TASK = "spam-detection"


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


def write_log(data_dir, lines, name="2026-11-22.jsonl") -> None:
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True, exist_ok=True)
    content = b"".join(line + b"\n" for line in lines)
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def some_lines(day="2026-11-22"):
    for number in range(1000):
        hour, second = divmod(number, 500)
        yield log_line(
            number,
            f"{day}T{hour:02d}:00:{second // 100:02d}.{number:06d}Z",
            output="spam" if number % 10 == 0 else "ham",
            latency_ms=float(number + 1),
            program_version=1 + number // 500,
            confidence=0.5,
        )
    yield log_line(
        1000, f"{day}T23:00:00Z", status="error", error={"type": "KeyError", "message": "'a'"}
    )
    yield log_line(1001, f"{day}T23:00:00Z", status="timeout", latency_ms=1000, output=None)
    yield b'{"torn in the middle'


def test_a_day_amounts_to_what_its_lines_say(data_dir):
    write_log(data_dir, some_lines())
    day = daily_stats(data_dir, TASK, DAY)
    assert day["executions"] == 1002
    assert day["status"] == {"success": 1000, "error": 1, "timeout": 1}
    assert day["errors"] == [{"error": "KeyError", "count": 1}, {"error": "timeout", "count": 1}]
    assert day["malformed_lines"] == 1
    assert day["outputs"]["values"] == [
        {"value": "ham", "count": 900, "share": 0.9},
        {"value": "spam", "count": 100, "share": 0.1},
    ]
    assert day["outputs"]["values_error"] == 0
    latency = day["latency_ms"]
    assert latency["max"] == 1000
    assert latency["p50"] == pytest.approx(501, rel=latency["relative_error"] + 0.002)
    assert latency["p99"] == pytest.approx(991, rel=latency["relative_error"] + 0.002)
    throughput = day["throughput"]
    assert throughput["per_hour"] == [500, 500, *[0] * 21, 2]
    assert throughput["peak_per_second"] == 100
    assert throughput["peak_at"] == "2026-11-22T00:00:00Z"
    assert {key: v["executions"] for key, v in day["versions"].items()} == {"1": 502, "2": 500}


def test_the_file_is_derived_again_to_the_byte_also_from_compressed_logs(data_dir):
    write_log(data_dir, some_lines())
    write_log(data_dir, [log_line(5, "2026-11-22T00:00:00.5Z")], "2026-11-22.2.jsonl")
    file = write_daily_stats(data_dir, TASK, DAY)
    first = file.read_bytes()
    assert file.name == "daily-stats-2026-11-22.json"
    file.unlink()
    write_log(data_dir, some_lines(), "2026-11-22.jsonl.gz")
    (data_dir.executions(TASK) / "2026-11-22.jsonl").unlink()
    assert write_daily_stats(data_dir, TASK, DAY).read_bytes() == first


def test_days_are_merged_and_finished_days_are_kept_in_files(data_dir):
    write_log(data_dir, some_lines())
    write_log(data_dir, some_lines("2026-11-24"), "2026-11-24.jsonl")
    days = days_with_executions(data_dir, TASK)
    assert days == [DAY, TODAY]
    both = stats(data_dir, TASK, days, TODAY)
    assert both["executions"] == 2004
    assert both["status"] == {"success": 2000, "error": 2, "timeout": 2}
    assert both["outputs"]["values"][0] == {"value": "ham", "count": 1800, "share": 0.9}
    assert both["latency_ms"]["p99"] == pytest.approx(991, rel=0.006)
    assert [day["executions"] for day in both["by_day"]] == [1002, 1002]
    kept = sorted(path.name for path in data_dir.analytics(TASK).iterdir())
    assert kept == ["daily-stats-2026-11-22.json", f"daily-stats-{TODAY.isoformat()}.json"]


def test_today_is_derived_anew_each_time_it_is_asked_for(data_dir):
    write_log(data_dir, some_lines("2026-11-24"), "2026-11-24.jsonl")
    assert stats(data_dir, TASK, [TODAY], TODAY)["executions"] == 1002
    write_log(data_dir, [log_line(1, "2026-11-24T10:00:00.000000Z")], "2026-11-24.2.jsonl")
    assert stats(data_dir, TASK, [TODAY], TODAY)["executions"] == 1003


def test_a_kept_day_is_derived_again_when_its_log_grew(data_dir):
    write_log(data_dir, some_lines())
    stats(data_dir, TASK, [DAY], TODAY)
    write_log(data_dir, [log_line(1)], "2026-11-22.2.jsonl")
    assert stats(data_dir, TASK, [DAY], TODAY)["executions"] == 1003


def test_a_day_whose_log_is_gone_keeps_its_figures(data_dir):
    write_log(data_dir, some_lines())
    stats(data_dir, TASK, [DAY], TODAY)
    (data_dir.executions(TASK) / "2026-11-22.jsonl").unlink()
    assert days_with_executions(data_dir, TASK) == [DAY]
    assert stats(data_dir, TASK, [DAY], TODAY)["executions"] == 1002


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"v": 99}'])
def test_a_damaged_statistics_file_is_derived_again(data_dir, content):
    write_log(data_dir, some_lines())
    file = data_dir.daily_stats_file(TASK, DAY)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert stats(data_dir, TASK, [DAY], TODAY)["executions"] == 1002
    assert json.loads(file.read_bytes())["executions"] == 1002


def test_a_task_without_executions_has_statistics_of_nothing(data_dir):
    nothing = stats(data_dir, TASK, [DAY], TODAY)
    assert nothing["executions"] == 0
    assert nothing["latency_ms"]["count"] == 0
    assert nothing["latency_ms"]["p99"] is None


def test_outputs_that_are_objects_are_counted_by_field(data_dir):
    write_log(
        data_dir,
        [
            log_line(n, output={"level": "info" if n % 4 else "warn", "code": n, "at": None})
            for n in range(100)
        ],
    )
    fields = daily_stats(data_dir, TASK, DAY)["outputs"]["fields"]
    assert fields["level"]["values"][0] == {"value": "info", "count": 75, "share": 0.75}
    assert fields["code"]["numbers"]["mean"] == 49.5
    assert fields["at"]["types"] == {"null": 100}


def test_many_different_outputs_stay_small_and_say_how_far_they_may_be_off(data_dir):
    write_log(data_dir, [log_line(n, output=f"text {n}" * 100) for n in range(5000)])
    outputs = daily_stats(data_dir, TASK, DAY)["outputs"]
    assert len(outputs["values"]) == 50
    assert 0 < outputs["values_error"] <= 6
    assert len(json.dumps(outputs)) < 20_000


def test_lines_with_fields_of_another_type_are_counted_as_malformed(data_dir):
    write_log(data_dir, [log_line(1), log_line(2, status="fine"), log_line(3, latency_ms="slow")])
    day = daily_stats(data_dir, TASK, DAY)
    assert (day["executions"], day["malformed_lines"]) == (1, 2)


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@given(st.lists(numbers, min_size=1), st.floats(0, 1))
def test_a_quantile_is_within_the_promised_error(values, fraction):
    sketch = QuantileSketch()
    for value in values:
        sketch.add(value)
    exact = sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]
    assert sketch.quantile(fraction) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.001, abs=5e-324)
    assert sketch.max == max(values)


@given(st.lists(numbers), st.lists(numbers))
def test_merged_sketches_and_their_json_equal_one_sketch_of_everything(left, right):
    one, other, both = QuantileSketch(), QuantileSketch(), QuantileSketch()
    for sketch, values in ((one, left), (other, right), (both, left + right)):
        for value in values:
            sketch.add(value)
    one.merge(QuantileSketch.from_json(json.loads(json.dumps(other.as_json()))))
    merged, whole = one.as_json(), both.as_json()
    total = merged.pop("total", 0.0)
    assert total == pytest.approx(whole.pop("total", 0.0), rel=1e-9, abs=1.0)
    assert merged == whole


def test_top_values_are_never_further_off_than_they_say():
    chooser = random.Random(5)
    values = [str(int(chooser.paretovariate(0.7))) for _ in range(30_000)]
    top = TopValues(capacity=50)
    for value in values:
        top.add(value)
    assert top.error <= len(values) / 50
    listed, error = top.top(10)
    for value, count in listed:
        assert count <= values.count(value) <= count + error
