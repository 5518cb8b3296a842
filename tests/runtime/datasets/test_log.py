"""The log's writing end: what is appended stays whole, whatever the disk and the clock do."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import log_line

from runtime.datasets.log import ExecutionLog, LogUnwritableError
from runtime.datasets.reader import LogReader

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LAST_SECOND = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 23, 0, 0, 1, tzinfo=UTC)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def log(tmp_path):
    log = ExecutionLog(tmp_path / "executions")
    yield log
    log.close()


def test_lines_are_appended_to_the_file_of_their_day(log):
    log.append([log_line(1), log_line(2)], NOON)
    log.append([log_line(3)], NOON)
    file = log.folder / "2026-11-22.jsonl"
    assert file.read_bytes() == log_line(1) + b"\n" + log_line(2) + b"\n" + log_line(3) + b"\n"
    assert log.file == file


def test_appending_nothing_makes_no_file(log):
    log.append([], NOON)
    assert not log.folder.exists()


def test_a_new_day_begins_a_new_file_at_midnight_utc(log):
    log.append([log_line(1)], LAST_SECOND)
    log.append([log_line(2)], NEXT_DAY)
    assert names(log.folder) == ["2026-11-22.jsonl", "2026-11-23.jsonl"]


def test_a_clock_corrected_back_over_midnight_does_not_reopen_the_finished_day(log):
    log.append([log_line(1)], LAST_SECOND)
    log.append([log_line(2)], NEXT_DAY)
    finished = (log.folder / "2026-11-22.jsonl").read_bytes()
    log.append([log_line(3)], LAST_SECOND)
    assert (log.folder / "2026-11-22.jsonl").read_bytes() == finished
    assert (log.folder / "2026-11-23.jsonl").read_bytes().count(b"\n") == 2


def test_a_clock_set_back_by_days_writes_to_the_day_it_shows(log):
    log.append([log_line(1)], NOON)
    log.append([log_line(2)], NOON + timedelta(days=30))
    log.append([log_line(3)], NOON)
    assert (log.folder / "2026-11-22.jsonl").read_bytes().count(b"\n") == 2


def test_a_day_compressed_already_is_never_written_under_its_old_name(log):
    log.folder.mkdir()
    with gzip.open(log.folder / "2026-11-22.jsonl.gz", "wb") as file:
        file.write(log_line(1) + b"\n")
    log.append([log_line(2)], NOON)
    assert names(log.folder) == ["2026-11-22.2.jsonl", "2026-11-22.jsonl.gz"]
    assert len(list(LogReader(log.folder).lines())) == 2


def test_two_writers_never_share_a_file(tmp_path):
    first, second = ExecutionLog(tmp_path), ExecutionLog(tmp_path)
    first.append([log_line(1)], NOON)
    second.append([log_line(2)], NOON)
    first.append([log_line(3)], NOON)
    assert (tmp_path / "2026-11-22.jsonl").read_bytes().count(b"\n") == 2
    assert (tmp_path / "2026-11-22.2.jsonl").read_bytes() == log_line(2) + b"\n"
    first.close()
    third = ExecutionLog(tmp_path)
    third.append([log_line(4)], NOON)
    assert third.file == tmp_path / "2026-11-22.jsonl"
    second.close()
    third.close()


def test_the_torn_tail_of_a_crash_is_set_aside_and_reported(tmp_path, caplog):
    file = tmp_path / "2026-11-22.jsonl"
    file.write_bytes(log_line(1) + b"\n" + log_line(2)[:40])
    log = ExecutionLog(tmp_path)
    log.append([log_line(3)], NOON)
    log.close()
    assert file.read_bytes() == log_line(1) + b"\n" + log_line(3) + b"\n"
    assert (tmp_path / "2026-11-22.jsonl.quarantine").read_bytes() == log_line(2)[:40] + b"\n"
    assert log.quarantined == 1
    assert "torn line of 40 bytes" in caplog.text


def test_torn_tails_of_other_days_and_writers_are_set_aside_too(tmp_path):
    (tmp_path / "2026-11-21.3.jsonl").write_bytes(b"x" * 200_000)
    log = ExecutionLog(tmp_path)
    log.recover()
    assert (tmp_path / "2026-11-21.3.jsonl").read_bytes() == b""
    assert (tmp_path / "2026-11-21.3.jsonl.quarantine").read_bytes() == b"x" * 200_000 + b"\n"


def test_the_file_of_a_living_writer_is_left_alone_by_recovery(tmp_path):
    living = ExecutionLog(tmp_path)
    living.append([log_line(1)], NOON)
    with (tmp_path / "2026-11-22.jsonl").open("ab") as file:
        file.write(b"half a li")
    other = ExecutionLog(tmp_path)
    other.recover()
    assert (tmp_path / "2026-11-22.jsonl").read_bytes().endswith(b"half a li")
    living.close()


def test_a_file_moved_away_is_begun_anew(log, monkeypatch):
    monkeypatch.setattr("runtime.datasets.log.SECONDS_BETWEEN_CHECKS", 0.0)
    log.append([log_line(1)], NOON)
    (log.folder / "2026-11-22.jsonl").rename(log.folder / "kept.jsonl")
    log.append([log_line(2)], NOON)
    assert (log.folder / "2026-11-22.jsonl").read_bytes() == log_line(2) + b"\n"


@pytest.mark.parametrize("durability", ["process", "disk", "none"])
def test_every_durability_writes_the_same_bytes(tmp_path, durability):
    log = ExecutionLog(tmp_path, durability=durability)
    log.append([log_line(1)], NOON)
    log.append([log_line(2)], NOON)
    log.close()
    assert len(list(LogReader(tmp_path).lines())) == 2


def test_a_folder_that_cannot_be_made_is_refused_with_the_reason_and_recovers(tmp_path):
    blocker = tmp_path / "executions"
    blocker.write_text("a file where a folder must be")
    log = ExecutionLog(blocker)
    with pytest.raises(LogUnwritableError) as refusal:
        log.append([log_line(1)], NOON)
    assert refusal.value.written == 0
    assert log.problem == refusal.value.reason == "File exists"
    blocker.unlink()
    log.append([log_line(2)], NOON)
    assert log.problem is None
    log.close()


def test_a_failed_sync_promises_nothing(log, monkeypatch):
    log.durability = "disk"

    def refuse(handle: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(LogUnwritableError) as refusal:
            log.append([log_line(1)], NOON)
    assert refusal.value.written == 0
    log.append([log_line(2)], NOON)
    assert log.problem is None


FULL_DISK = """
import resource, sys
from datetime import datetime, UTC
from pathlib import Path
from runtime.datasets.log import ExecutionLog, LogUnwritableError
resource.setrlimit(resource.RLIMIT_FSIZE, (2500, resource.RLIM_INFINITY))
log = ExecutionLog(Path(sys.argv[1]))
noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
lines = [sys.argv[2].encode() % n for n in range(5)]
log.append(lines, noon)
try:
    log.append(lines, noon)
except LogUnwritableError as refusal:
    print(refusal.written, refusal.reason, log.file.stat().st_size)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(lines, noon)
print(log.problem)
"""


def test_a_full_disk_keeps_whole_lines_only_says_how_many_and_recovers(tmp_path):
    line = '{"timestamp": "2026-11-22T12:00:00Z", "n": %d, "pad": "' + "x" * 240 + '"}'
    length = len(line % 1) + 1
    fit = 2500 // length
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), line],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first == f"{fit - 5} File too large {fit * length}"
    assert second == "None"
    reader = LogReader(tmp_path)
    numbers = [record["n"] for record in reader.records()]
    assert numbers == [*range(5), *range(fit - 5), *range(5)]
    assert reader.malformed == 0


def test_a_limit_of_open_files_is_an_error_like_any_other(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open("/dev/null", os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
    try:
        with pytest.raises(LogUnwritableError, match="Too many open files"):
            ExecutionLog(tmp_path).append([log_line(1)], NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(taken[0])
