"""Reading a log back: every writer, plain and compressed, in time order, never fatal."""

from __future__ import annotations

import gzip
import threading
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from support import log_line

from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader
from runtime.datasets.tail import LogTail

DAY = date(2026, 11, 22)


def at(second: int) -> str:
    return f"2026-11-22T10:00:{second:02d}.000000Z"


def write(folder, name, *lines: bytes, torn: bytes = b"") -> None:
    content = b"".join(line + b"\n" for line in lines) + torn
    if name.endswith(".gz"):
        content = gzip.compress(content)
    (folder / name).write_bytes(content)


def test_the_files_of_several_writers_are_merged_by_time(tmp_path):
    write(tmp_path, "2026-11-22.jsonl", log_line(1, at(1)), log_line(4, at(4)))
    write(tmp_path, "2026-11-22.2.jsonl.gz", log_line(2, at(2)), log_line(5, at(5)))
    write(tmp_path, "2026-11-22.box-3.jsonl", log_line(3, at(3)))
    texts = [record["input"]["text"] for record in LogReader(tmp_path).records()]
    assert texts == [f"text {number}" for number in range(1, 6)]


def test_only_the_days_asked_for_are_read(tmp_path):
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        write(tmp_path, f"{day}.jsonl", log_line(1, f"{day}T10:00:00Z"))
    write(tmp_path, "2026-13-45.jsonl", b"no day")
    write(tmp_path, "sampled-2026-11-21.jsonl", b"another log")
    reader = LogReader(tmp_path)
    assert reader.days() == [date(2026, 11, 20), date(2026, 11, 21), DAY]
    found = [record["timestamp"] for record in reader.records(date(2026, 11, 21), DAY)]
    assert found == ["2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z"]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    reader = LogReader(tmp_path / "nowhere")
    assert (reader.days(), list(reader.lines())) == ([], [])


def test_a_torn_last_line_waits_and_is_no_error(tmp_path):
    write(tmp_path, "2026-11-22.jsonl", log_line(1), torn=log_line(2)[:-5])
    reader = LogReader(tmp_path)
    assert list(reader.lines()) == [log_line(1)]
    assert reader.malformed == 0


def test_malformed_lines_are_counted_with_their_place(tmp_path):
    write(
        tmp_path,
        "2026-11-22.jsonl",
        log_line(1),
        b'{"timestamp":',
        b"[1]",
        b'{"no": "timestamp"}',
        b"\x00" * 50,
        b'{"timestamp": "2026-11-22T10:00:00Z", "v": 2}',
        b'{"timestamp": "2026-11-22T10:00:00Z", "input": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        log_line(2),
    )
    reader = LogReader(tmp_path)
    assert list(reader.lines()) == [log_line(1), log_line(2)]
    assert reader.malformed == 6
    assert [problem.line for problem in reader.problems] == [2, 3, 4, 5, 6, 7]
    assert "format version 2" in str(reader.problems[4])


def test_a_truncated_gzip_gives_what_it_holds_and_is_reported(tmp_path):
    lines = [log_line(number, at(number % 60)) for number in range(2000)]
    whole = gzip.compress(b"".join(line + b"\n" for line in lines))
    (tmp_path / "2026-11-22.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    reader = LogReader(tmp_path)
    found = list(reader.lines())
    assert 0 < len(found) < 2000
    assert found == lines[: len(found)]
    assert "cannot be read to its end" in str(reader.problems[0])


def test_a_file_that_stands_there_plain_and_compressed_is_read_once(tmp_path):
    write(tmp_path, "2026-11-22.jsonl", log_line(1))
    write(tmp_path, "2026-11-22.jsonl.gz", log_line(1))
    assert list(LogReader(tmp_path).lines()) == [log_line(1)]


def test_a_tail_hands_out_each_line_once_and_resumes_where_it_was(tmp_path):
    log = ExecutionLog(tmp_path)
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    log.append([log_line(1), log_line(2)], moment)
    tail = LogTail(tmp_path)
    assert tail.read(1) == [log_line(1)]
    resumed = LogTail(tmp_path, tail.position)
    assert resumed.read() == [log_line(2)]
    assert resumed.read() == []
    log.append([log_line(3)], moment)
    assert resumed.read() == [log_line(3)]
    log.close()


def test_a_tail_waits_for_the_rest_of_a_torn_line(tmp_path):
    file = tmp_path / "2026-11-22.jsonl"
    file.write_bytes(log_line(1) + b"\n" + log_line(2)[:30])
    tail = LogTail(tmp_path)
    assert tail.read() == [log_line(1)]
    assert tail.read() == []
    with file.open("ab") as more:
        more.write(log_line(2)[30:] + b"\n")
    assert tail.read() == [log_line(2)]


def test_a_position_survives_compression(tmp_path):
    write(tmp_path, "2026-11-22.jsonl", log_line(1), log_line(2))
    tail = LogTail(tmp_path)
    tail.read(1)
    write(tmp_path, "2026-11-22.jsonl.gz", log_line(1), log_line(2))
    (tmp_path / "2026-11-22.jsonl").unlink()
    assert tail.read() == [log_line(2)]
    assert tail.read() == []
    (tmp_path / "2026-11-22.jsonl.gz").unlink()
    tail.read()
    assert tail.position == {}


def test_the_newest_lines_are_found_over_files_and_days(tmp_path):
    write(tmp_path, "2026-11-21.jsonl.gz", log_line(0, "2026-11-21T10:00:00Z"))
    early = [log_line(number, at(number)) for number in range(0, 40, 2)]
    late = [log_line(number, at(number), pad="x" * 9000) for number in range(1, 40, 2)]
    write(tmp_path, "2026-11-22.jsonl", *early, torn=b"{")
    write(tmp_path, "2026-11-22.2.jsonl", *late)
    tail = LogTail(tmp_path)
    newest = tail.take_last(5)
    assert [line[:70] for line in newest] == [
        log_line(number)[:70] for number in (35, 36, 37, 38, 39)
    ]
    assert tail.read() == []
    assert len(LogTail(tmp_path).take_last(1000)) == 41
    assert LogTail(tmp_path).take_last(0) == []


def test_following_ends_when_it_is_told_to(tmp_path):
    log = ExecutionLog(tmp_path)
    stop = threading.Event()
    lines = LogTail(tmp_path).follow(stop)
    log.append([log_line(1)], datetime(2026, 11, 22, 10, tzinfo=UTC))
    assert next(lines) == log_line(1)
    stop.set()
    assert list(lines) == []
    log.close()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60) | json_values.map(lambda v: log_line(1, at(1), output=v))))
def test_whatever_bytes_a_file_holds_reading_ends_and_finds_the_sound_lines(
    tmp_path_factory, parts
):
    folder = tmp_path_factory.mktemp("log")
    write(folder, "2026-11-22.jsonl", log_line(1), *parts, log_line(2), torn=b'{"torn')
    reader = LogReader(folder)
    found = list(reader.records())
    assert found[0]["execution_id"][-1] == "1"
    assert found[-1]["execution_id"][-1] == "2"
    sound = sum(part.startswith(b'{"v":1,') for part in parts)
    assert len(found) >= 2 + sound
    total = b"".join(part + b"\n" for part in parts).count(b"\n")
    assert len(found) + reader.malformed == total + 2
    assert len(LogTail(folder).read(10_000)) == total + 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 600), st.integers(1, 4))
def test_a_log_cut_anywhere_loses_nothing_but_the_torn_line(tmp_path_factory, cut, count):
    folder = tmp_path_factory.mktemp("log")
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    before = ExecutionLog(folder)
    before.append([log_line(number) for number in range(count)], moment)
    before.close()
    file = folder / "2026-11-22.jsonl"
    content = file.read_bytes()[:cut]
    file.write_bytes(content)
    after = ExecutionLog(folder)
    after.append([log_line(9)], moment)
    after.close()
    assert len(list(LogReader(folder).lines())) == content.count(b"\n") + 1
    assert LogReader(folder).malformed == 0
