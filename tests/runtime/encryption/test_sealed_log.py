"""The encrypted log: what is written comes back at the same offsets, and nothing else ever does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog, LogUnwritableError
from runtime.datasets.log_files import list_log_files
from runtime.datasets.reader import LogReader
from runtime.datasets.rollup import write_daily_stats
from runtime.datasets.tail import LogTail
from runtime.encryption.archive import CHUNK
from runtime.encryption.keys import SealError
from runtime.retention.compress import compress_log_file
from tests.runtime.encryption.encrypted import configure, encrypted_dir, write_key
from tests.support import log_line
from workbench.records.line_file import LineFile

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
texts = st.text(max_size=60)
batches = st.lists(st.lists(texts, min_size=1, max_size=4), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    return encrypted_dir(tmp_path_factory.mktemp("encrypted"))


_number = count(1)


def write(data_dir: DataDir, batches: list[list[str]]) -> Path:
    """A new log with these batches; returns its file."""
    log = ExecutionLog(data_dir.executions(f"task-{next(_number)}"))
    numbers = count()
    for batch in batches:
        log.append([log_line(next(numbers), input={"text": text}) for text in batch], NOON)
    log.close()
    return log.folder / "2026-11-22.jsonl"


def read(file: Path) -> tuple[list[str], int]:
    """The texts in the log that a file is in, and how many lines were none."""
    reader = LogReader(file.parent)
    return [record["input"]["text"] for record in reader.records()], reader.malformed


@settings(max_examples=25)
@given(batches)
def test_what_is_appended_is_read_back_and_stands_nowhere_in_the_clear(data_dir, batches):
    file = write(data_dir, batches)
    written = [text for batch in batches for text in batch]
    assert read(file) == (written, 0)
    assert b"timestamp" not in file.read_bytes()
    assert compress_log_file(file) is not None
    (packed,) = file.parent.iterdir()
    assert read(file) == (written, 0)
    assert b"timestamp" not in packed.read_bytes()


@settings(max_examples=40)
@given(batches, st.integers(0, 20), st.booleans())
def test_a_place_in_the_log_survives_compression(data_dir, batches, first, compressed):
    file = write(data_dir, batches)
    lines = [text for batch in batches for text in batch]
    tail = LogTail(file.parent)
    taken = tail.read(first) if first else []
    if compressed:
        compress_log_file(file)
    taken += LogTail(file.parent, tail.position).read()
    assert [json.loads(line)["input"]["text"] for line in taken] == lines
    newest = LogTail(file.parent).take_last(2)
    assert [json.loads(line)["input"]["text"] for line in newest] == lines[-2:]


@settings(max_examples=40)
@given(batches, st.data())
def test_a_line_that_was_moved_copied_cut_out_or_changed_is_never_read_as_one(
    data_dir, batches, data
):
    file = write(data_dir, batches)
    before = file.read_bytes().splitlines(keepends=True)
    texts = [text for batch in batches for text in batch]
    lines = list(before)
    at = data.draw(st.integers(0, len(lines) - 1))
    kind = data.draw(st.sampled_from(["swap", "copy", "cut", "change", "plain"]))
    if kind == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "copy":
        lines.insert(at, lines[at])
    elif kind == "cut":
        del lines[at]
    elif kind == "plain":
        lines[at] = log_line(7).ljust(len(lines[at]) - 1)[: len(lines[at]) - 1] + b"\n"
    else:
        place = data.draw(st.integers(0, len(lines[at]) - 2))
        letter = b"A" if lines[at][place : place + 1] != b"A" else b"B"
        lines[at] = lines[at][:place] + letter + lines[at][place + 1 :]
    file.write_bytes(b"".join(lines))
    if lines[:1] and not lines[0].startswith(before[0][:10]):
        return  # the file's own mark is gone: it is of no key, or plain, and said to be
    found, malformed = read(file)
    kept = iter(texts)
    assert all(text in kept for text in found)  # some of them, in their order
    if lines != before[: len(lines)]:
        assert malformed > 0


@settings(max_examples=40)
@given(batches, st.data())
def test_a_changed_or_cut_archive_gives_its_beginning_at_most_and_says_so(data_dir, batches, data):
    file = write(data_dir, batches)
    compress_log_file(file)
    (packed,) = file.parent.iterdir()
    content = packed.read_bytes()
    place = data.draw(st.integers(14, len(content) - 1))  # after what names the key
    if data.draw(st.booleans()):
        packed.write_bytes(content[:place])
    else:
        changed = content[place] ^ data.draw(st.integers(1, 255))
        packed.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
    found, malformed = read(file)
    texts = [text for batch in batches for text in batch]
    assert found == texts[: len(found)]
    assert malformed or place >= len(content) - 4  # its size, in the clear, is no secret


def test_an_archive_of_many_chunks_is_whole_or_not_read_to_its_end(data_dir):
    import secrets

    texts = [secrets.token_hex(2000) for _ in range(200)]
    file = write(data_dir, [texts])
    compress_log_file(file)
    (packed,) = file.parent.iterdir()
    content = packed.read_bytes()
    assert len(content) > 3 * CHUNK
    assert read(file) == (texts, 0)
    chunk, header = CHUNK + 16, 30
    swapped = content[header + chunk : header + 2 * chunk] + content[header : header + chunk]
    for damaged in (
        content[:header] + swapped + content[header + 2 * chunk :],
        content[: header + chunk] + content[header + 2 * chunk :],
        content[: header + 2 * chunk] + content[-4:],
    ):
        packed.write_bytes(damaged)
        found, malformed = read(file)
        assert malformed == 1
        assert found == texts[: len(found)]


@settings(max_examples=40)
@given(batches, st.data())
def test_any_part_of_an_encrypted_file_is_read_as_it_would_be_from_the_whole(
    data_dir, batches, data
):
    content = LineFile(write(data_dir, batches))
    try:
        whole = content.read(0, content.size)
        assert len(whole) == content.size
        offset = data.draw(st.integers(0, content.size))
        length = data.draw(st.integers(0, 400))
        assert content.read(offset, length) == whole[offset : offset + length]
    finally:
        content.close()


def test_a_file_that_is_put_in_anothers_place_is_not_read_as_that(data_dir):
    first, second = write(data_dir, [["one"]]), write(data_dir, [["two"]])
    second.write_bytes(first.read_bytes())
    assert read(second) == ([], 1)


def test_a_torn_line_is_set_aside_and_the_file_gone_on_with(data_dir):
    file = write(data_dir, [["one"], ["two"]])
    whole = file.read_bytes()
    file.write_bytes(whole + b"~1torn")
    log = ExecutionLog(file.parent)
    log.append([log_line(3, input={"text": "three"})], NOON)
    log.close()
    assert log.quarantined == 1
    assert read(file) == (["one", "two", "three"], 0)


def test_a_new_key_and_a_plain_beginning_make_a_further_writers_file(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    first, second = write_key(tmp_path / "first.key"), write_key(tmp_path / "second.key")
    folder = data_dir.executions("spam")
    for number, keys in enumerate(([None], [first], [second, first])):
        configure(data_dir, *keys)
        log = ExecutionLog(folder)
        log.append([log_line(number)], NOON)
        log.close()
    assert [file.writer for file in list_log_files(folder)] == ["", "2", "3"]
    assert len(list(LogReader(folder).records())) == 3


def test_without_its_key_a_file_says_so_and_is_read_once_the_key_is_back(tmp_path):
    data_dir = encrypted_dir(tmp_path)
    key = tmp_path / "keys" / "log.key"
    file = write(data_dir, [["one"]])
    configure(data_dir, write_key(tmp_path / "another.key"))
    with pytest.raises(SealError, match=r"is not configured \(encryption.key, encryption.old_keys"):
        list(LogReader(file.parent).lines())
    with pytest.raises(SealError):
        write_daily_stats(data_dir, file.parent.parent.name, NOON.date())
    assert not data_dir.analytics(file.parent.parent.name).exists()
    configure(data_dir, tmp_path / "another.key", key)
    assert read(file) == (["one"], 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), ("short", "is no encryption key: 32 random bytes"), ("", "is no enc")],
)
def test_with_no_sound_key_nothing_is_written(tmp_path, content, reason):
    data_dir = DataDir(tmp_path / "data")
    key = tmp_path / "log.key"
    if content is not None:
        key.write_text(content)
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text(f"encryption: {{key: {{file: {key}}}}}\n")
    log = ExecutionLog(data_dir.executions("spam"))
    with pytest.raises(LogUnwritableError, match=reason):
        log.append([log_line()], NOON)
    assert list(log.folder.glob("*")) == []
    key.write_text(write_key(tmp_path / "good.key").read_text())
    log.append([log_line()], NOON)
    assert len(list(LogReader(log.folder).records())) == 1
    log.close()


@pytest.mark.parametrize("source", ["env", "command"])
def test_a_key_may_come_from_a_variable_or_a_command(tmp_path, monkeypatch, source):
    data_dir = DataDir(tmp_path / "data")
    key = write_key(tmp_path / "log.key")
    monkeypatch.setenv("TEST_LOG_KEY", key.read_text())
    said: Any = "TEST_LOG_KEY" if source == "env" else ["cat", str(key)]
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text(json.dumps({"encryption": {"key": {source: said}}}))
    file = write(data_dir, [["one"]])
    assert b"one" not in file.read_bytes()
    assert read(file) == (["one"], 0)


WRITER = """
import sys
from pathlib import Path
from runtime.datasets.log import ExecutionLog
log = ExecutionLog(Path(sys.argv[1]), durability=sys.argv[2])
number = 0
while True:
    lines = [b'{"timestamp":"2026-11-22T12:00:00Z","number":%d,"pad":"%s"}' % (n, b"x" * 200_000)
             for n in range(number, number + 3)]
    log.append(lines)
    number += 3
    print(number, flush=True)
"""


@pytest.mark.parametrize("durability", ["process", "disk"])
def test_kill_9_loses_no_line_that_was_appended(tmp_path, durability):
    data_dir = encrypted_dir(tmp_path)
    folder = data_dir.executions("spam")
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(folder), durability]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(5):
                writer.stdout.readline()
            time.sleep(0.005)  # into the next write
            writer.send_signal(signal.SIGKILL)
            said = [int(line) for line in writer.stdout.read().split()]
        log = ExecutionLog(folder)
        log.recover()
        reader = LogReader(folder)
        numbers = [record["number"] for record in reader.records()]
        assert reader.malformed == 0
        assert len(numbers) >= max(said, default=15)
        for file in folder.glob("*.jsonl"):
            file.unlink()
