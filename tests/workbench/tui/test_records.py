"""Files of any size, line by line: the index, filters, sorting and search tell the truth."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
import tracemalloc

import psutil
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import clean_environment, wait_until

from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from workbench.records import line_index
from workbench.records.columns import choose_columns
from workbench.records.line_file import LineFile
from workbench.records.line_index import LineIndex
from workbench.records.row_filter import RowFilter
from workbench.records.scan import Scan
from workbench.records.views import AllRows, ChosenRows, sort_window
from workbench.tui.open_file import OpenFile

NEVER = bool  # called without arguments it is False: never stop

texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
values = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), texts)
records = st.dictionaries(
    st.sampled_from(["status", "n", "input"]),
    st.one_of(values, st.dictionaries(st.sampled_from(["text", "n"]), values, max_size=2)),
)


def written(path, lines):
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    index = LineIndex(LineFile(path))
    index.extend()
    return index


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=90).map(lambda b: b.replace(b"\n", b""))), end=st.booleans()
)
def test_every_line_is_where_the_index_says(tmp_path_factory, lines, end):
    path = tmp_path_factory.mktemp("lines") / "some"
    content = b"\n".join(lines) + (b"\n" if end and lines else b"")
    assume(not content.startswith(b"\x1f\x8b"))  # would be taken for a compressed file
    path.write_bytes(content)
    expected = content.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    original, line_index.BLOCK = line_index.BLOCK, 64  # so that few bytes fill many blocks
    try:
        index = LineIndex(LineFile(path))
        index.extend()
        assert index.count == len(expected)
        for number, line in enumerate(expected):
            found = index.line(number)
            assert found.content == line.rstrip(b"\r")
            assert index.number_at(found.offset) == number
    finally:
        line_index.BLOCK = original


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(records, max_size=30),
    query=st.sampled_from(
        ["status=a", "status!=a", "n>1", "n<=1", "input.text~a", "input~é", "a", "é A", "n=1 a"]
    ),
    escaped=st.booleans(),
)
def test_the_quick_scan_finds_what_looking_at_each_line_finds(
    tmp_path_factory, rows, query, escaped
):
    lines = [json.dumps(row, ensure_ascii=escaped).encode() for row in rows]
    index = written(tmp_path_factory.mktemp("rows") / "rows.jsonl", lines)
    row_filter = RowFilter(query)
    scan = Scan(index.file, row_filter)
    scan.extend()
    wanted = [number for number, line in enumerate(lines) if row_filter.matches(line)]
    assert [index.number_at(offset) for offset in scan.offsets] == wanted
    everything = AllRows(index)
    assert everything.find(row_filter, 0, backwards=False, stop=NEVER) == next(iter(wanted), None)
    last = everything.find(row_filter, len(lines) - 1, backwards=True, stop=NEVER)
    assert last == (wanted[-1] if wanted else None)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("status=error", True),
        ("status!=error", False),
        ("latency_ms>2", True),
        ("latency_ms>2.5", False),
        ("program_version=3", True),
        ("program_version=3.0", True),
        ("input.text~PRIZE", True),
        ('"free prize" latency_ms>=2.5', True),
        ("input.absent=1", False),
        ("input.absent!=1", True),
        ("confidence>0", False),
    ],
)
def test_a_term_means_what_it_says(query, matches):
    line = (
        b'{"status": "error", "latency_ms": 2.5, "program_version": 3,'
        b' "input": {"text": "A free prize"}, "confidence": null}'
    )
    assert RowFilter(query).matches(line) is matches


def test_an_open_quotation_is_refused_with_a_remedy():
    with pytest.raises(InvalidInputError, match="Close it"):
        RowFilter('"free prize')


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"no\.jsonl"):
        LineFile(tmp_path / "no.jsonl")


def test_lines_that_come_later_are_taken_in_and_an_open_line_grows(tmp_path):
    index = written(tmp_path / "log.jsonl", [b'{"n": 1}', b'{"n": 2}'])
    with index.file.path.open("ab") as log:
        log.write(b'{"n":')
        log.flush()
        index.extend()
        assert (index.count, index.line(2).content) == (3, b'{"n":')
        log.write(b' 3}\n{"n": 4}\n')
    index.extend()
    assert [index.line(number).content for number in (2, 3)] == [b'{"n": 3}', b'{"n": 4}']


def test_a_compressed_file_opens_at_once_and_is_unpacked_beside(tmp_path):
    path = tmp_path / "log.jsonl.gz"
    lines = [json.dumps({"n": number, "text": "x" * 50}).encode() for number in range(20_000)]
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", 1))
    opened = OpenFile(path)
    worker = threading.Thread(target=opened.work)
    worker.start()
    try:
        wait_until(lambda: opened.index.count == 20_000 and opened.columns)
        assert opened.index.line(19_999).content == lines[-1]
    finally:
        opened.close()
        worker.join()
    assert [column.field for column in opened.columns] == ["n", "text"]


def test_a_damaged_compressed_file_shows_what_there_is_and_says_so(tmp_path):
    path = tmp_path / "log.jsonl.gz"
    packed = gzip.compress(b'{"n": 1}\n' * 100_000)
    path.write_bytes(packed[: len(packed) // 2])
    file = LineFile(path)
    with pytest.raises(InvalidInputError, match="damaged"):
        file.unpack(NEVER)
    index = LineIndex(file)
    index.extend()
    assert index.count > 1000


def test_a_text_that_begins_like_an_encrypted_one_is_a_text(tmp_path):
    assert written(tmp_path / "notes", [b"~"]).line(0).content == b"~"
    assert written(tmp_path / "more", [b"~1 and more"]).line(0).content == b"~1 and more"


def test_what_reads_the_file_ends_with_an_app_that_is_killed(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n' * 1_000_000)
    code = (
        "import sys, threading, time, psutil, pathlib\n"
        "from workbench.tui.open_file import OpenFile\n"
        "opened = OpenFile(pathlib.Path(sys.argv[1]))\n"
        "threading.Thread(target=opened.work).start()\n"
        "while opened.index.count < 1_000_000: time.sleep(0.01)\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=clean_environment()
    )
    assert app.stdout is not None
    reader = psutil.Process(int(app.stdout.readline()))
    app.kill()
    app.communicate()
    wait_until(lambda: not reader.is_running())


def test_a_reader_that_ends_by_itself_is_told_of(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n' * 1000)
    opened = OpenFile(path)
    worker = threading.Thread(target=opened.work)
    worker.start()
    wait_until(lambda: psutil.Process().children())
    psutil.Process().children()[0].kill()
    worker.join()
    assert "Open the file again" in str(opened.problem)
    assert opened.index.line(999).content == b'{"n": 1}'  # what is known can still be read
    with pytest.raises(LoopaiError, match="Open the file again"):
        opened.find(RowFilter("2"), 0, backwards=False, stop=NEVER)
    opened.close()


def test_a_search_that_follows_another_is_answered_and_an_odd_number_ends_nothing(tmp_path):
    path = tmp_path / "many.jsonl"
    lines = [json.dumps({"n": number, "text": f"row {number}"}) for number in range(60_000)]
    path.write_text("\n".join([*lines, '{"n": ' + "9" * 400 + "}", '{"text": "the end"}']) + "\n")
    opened = OpenFile(path)
    working = threading.Thread(target=opened.work)
    working.start()
    try:
        stop = threading.Event()
        far = RowFilter("nowhere")
        first = threading.Thread(
            target=lambda: opened.find(far, 0, backwards=False, stop=stop.is_set)
        )
        first.start()
        stop.set()  # as pressing the key again does
        row = opened.find(RowFilter('text="the end"'), 0, backwards=False, stop=lambda: False)
        assert row == 60_001
        first.join()
        opened.filter_by(RowFilter("n>59998"))
        wait_until(lambda: opened.share == 1.0, 60)
        assert (opened.rows.count, opened.problem) == (1, None)
    finally:
        opened.close()
        working.join()


def test_a_window_is_sorted_by_numbers_then_texts_then_the_rest(tmp_path):
    rows = [{"n": 2}, {"n": "b"}, {}, {"n": 10}, {"n": None}, {"n": "a"}]
    index = written(tmp_path / "rows.jsonl", [json.dumps(row).encode() for row in rows])
    offsets = sort_window(AllRows(index), 0, "n", descending=False, stop=NEVER)
    view = ChosenRows(index, offsets)
    assert [view.line(row).number for row in range(view.count)] == [0, 3, 5, 1, 2, 4]


def test_a_line_of_many_megabytes_is_cut_for_the_table_and_whole_in_detail(tmp_path):
    long = json.dumps({"text": "x" * 3_000_000}).encode()
    index = written(tmp_path / "rows.jsonl", [b"{}", long, b"{}"])
    assert len(index.line(1).content) == line_index.MAX_SHOWN_BYTES
    assert index.line(1, 10_000_000).content == long
    assert index.line(2).content == b"{}"


def test_columns_put_first_what_a_person_looks_for():
    line = b'{"v":1,"execution_id":"a","input":{"t":"x"},"output":"ham","status":"success"}'
    assert [column.field for column in choose_columns([line])] == ["status", "output", "input"]


@pytest.mark.slow
def test_a_million_lines_open_at_once_and_are_read_anywhere_in_little_memory(tmp_path):
    path = tmp_path / "million.jsonl"
    block = b"".join(b'{"n": %d, "text": "%s"}\n' % (n, b"x" * 60) for n in range(1000))
    with path.open("wb") as file:
        for _ in range(1000):
            file.write(block)
    tracemalloc.start()
    started = time.perf_counter()
    opened = OpenFile(path)
    assert opened.index.line(0).content.startswith(b'{"n": 0')
    assert time.perf_counter() - started < 1
    opened.index.extend()
    assert opened.index.count == 1_000_000
    started = time.perf_counter()
    for number in range(500_000, 500_100):
        assert json.loads(opened.index.line(number).content)["n"] == number % 1000
    assert time.perf_counter() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    opened.file.close()
