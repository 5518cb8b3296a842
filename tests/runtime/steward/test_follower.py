"""The steward's reading: every line once, to each observer, whatever happens to files and to it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.steward.loop import Steward
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.report import read_report
from runtime.steward.state import Connection, open_state
from tests.support import TASK, log_line

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SEEN = "CREATE TABLE IF NOT EXISTS seen (observer TEXT, id TEXT)"


class Notes:
    """An observer that notes each execution it sees, and fails when it is told to."""

    tables = SEEN

    def __init__(self, name: str = "notes", fails: int = 0) -> None:
        self.name = name
        self.fails = fails
        self.batches: list[int] = []
        self.malformed = 0
        self.ticks = 0
        self.rollbacks = 0

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        transaction.executemany(
            "INSERT INTO seen VALUES (?, ?)",
            [(self.name, record["execution_id"][-12:].lstrip("0") or "0") for record in records],
        )
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no")
        self.batches.append(len(records))
        self.malformed += records.malformed

    def tick(self, moment: datetime) -> None:
        self.ticks += 1

    def rolled_back(self) -> None:
        self.rollbacks += 1

    def close(self) -> None: ...


class Time:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Box:
    """A data directory with a steward that is made anew as often as asked."""

    def __init__(self, root: Path) -> None:
        self.data_dir = DataDir(root)
        self.folder = self.data_dir.executions(TASK)
        self.folder.mkdir(parents=True)
        self.time = Time()
        self.state = open_state(self.data_dir, SEEN)

    def steward(self, *observers: Notes) -> Steward:
        context = StewardContext(self.data_dir, DeploymentConfig(), self.state, lambda: NOW)
        return Steward(context, observers, self.time)

    def append(self, name: str, *numbers: int, torn: str = "") -> Path:
        path = self.folder / name
        with path.open("ab") as file:
            file.write(b"".join(log_line(number) + b"\n" for number in numbers) + torn.encode())
        return path

    def seen(self, observer: str = "notes") -> Counter[int]:
        rows = self.state.connection.execute("SELECT id FROM seen WHERE observer = ?", (observer,))
        return Counter(int(row[0]) for row in rows)


@pytest.fixture
def box(tmp_path: Path):
    box = Box(tmp_path / "data")
    yield box
    box.state.close()


def compress(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def test_every_line_of_every_writer_is_handed_over_once(box: Box):
    box.append("2026-11-21.jsonl", 1, 2)
    box.append("2026-11-22.jsonl", 3)
    box.append("2026-11-22.2.jsonl", 4)
    steward = box.steward(Notes())
    assert steward.read_all() == 4
    box.append("2026-11-22.jsonl", 5)
    assert steward.read_all() == 1
    assert box.seen() == Counter(range(1, 6))


def test_a_steward_that_starts_again_goes_on_where_the_last_one_was(box: Box):
    box.append("2026-11-22.jsonl", *range(5))
    box.steward(Notes()).read_all()
    box.append("2026-11-22.jsonl", *range(5, 9))
    box.steward(Notes()).read_all()
    assert box.seen() == Counter(range(9))


def test_a_torn_line_waits_for_its_end(box: Box):
    whole = log_line(2).decode()
    path = box.append("2026-11-22.jsonl", 1, torn=whole[:40])
    steward = box.steward(Notes())
    steward.read_all()
    assert box.seen() == Counter([1])
    with path.open("a") as file:
        file.write(whole[40:] + "\n")
    steward.read_all()
    assert box.seen() == Counter([1, 2])


def test_a_file_that_is_compressed_after_it_was_partly_read_is_read_on(box: Box):
    path = box.append("2026-11-20.jsonl", *range(2500))
    notes = Notes()
    steward = box.steward(notes)
    steward.turn()
    assert notes.batches == [1000]
    compress(path)
    steward.read_all()
    assert box.seen() == Counter(range(2500))


def test_a_new_file_of_an_old_name_is_read_from_its_beginning(box: Box):
    path = box.append("2026-11-22.jsonl", 1, 2, 3)
    steward = box.steward(Notes())
    steward.read_all()
    path.rename(path.with_suffix(".moved"))
    box.append("2026-11-22.jsonl", 7)
    steward.read_all()
    assert box.seen() == Counter([1, 2, 3, 7])


def test_a_file_that_is_removed_does_no_harm(box: Box):
    path = box.append("2026-11-21.jsonl", 1)
    box.append("2026-11-22.jsonl", 2)
    steward = box.steward(Notes())
    steward.read_all()
    path.unlink()
    box.append("2026-11-22.jsonl", 3)
    steward.read_all()
    assert box.seen() == Counter([1, 2, 3])


def test_a_damaged_compressed_file_costs_its_own_lines_only(box: Box):
    path = box.append("2026-11-20.jsonl", *range(3000))
    compress(path)
    damaged = box.folder / "2026-11-20.jsonl.gz"
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    box.append("2026-11-22.jsonl", 5000)
    notes = Notes()
    steward = box.steward(notes)
    steward.read_all()
    assert box.seen()[5000] == 1
    assert max(box.seen().values()) == 1
    assert notes.malformed == 1
    assert steward.read_all() == 0


def test_malformed_lines_are_counted_and_do_not_stop_the_reading(box: Box):
    path = box.append("2026-11-22.jsonl", 1)
    path.write_bytes(path.read_bytes() + b"no json\n[]\n" + log_line(2) + b"\n")
    notes = Notes()
    box.steward(notes).read_all()
    assert box.seen() == Counter([1, 2])
    assert notes.malformed == 2


def test_an_observer_that_raises_gets_the_same_lines_again_and_holds_nobody_up(box: Box):
    box.append("2026-11-22.jsonl", *range(1500))
    well, ill = Notes("well"), Notes("ill", fails=2)
    steward = box.steward(well, ill)
    steward.read_all()
    assert box.seen("well") == Counter(range(1500))
    assert box.seen("ill") == Counter()
    steward.tick(NOW)
    report = read_report(box.data_dir)
    assert report is not None
    assert report["failing"][0]["observer"] == "ill"
    assert report["tasks"][TASK]["lag_bytes"] > 0
    box.append("2026-11-22.jsonl", 1500)
    for _ in range(3):
        box.time.now += 70
        steward.read_all()
    assert box.seen("ill") == box.seen("well") == Counter(range(1501))
    assert ill.rollbacks == 2
    steward.tick(NOW)
    report = read_report(box.data_dir)
    assert report is not None
    assert report["failing"] == []
    assert report["tasks"][TASK] == {"lag_bytes": 0, "lag_seconds": 0.0}


def test_observers_at_different_places_soon_read_the_same_batches(box: Box):
    box.append("2026-11-22.jsonl", *range(500))
    box.steward(Notes("first")).read_all()
    box.append("2026-11-22.jsonl", *range(500, 800))
    first, later = Notes("first"), Notes("later")
    box.steward(first, later).read_all()
    assert box.seen("first") == box.seen("later") == Counter(range(800))
    assert (first.batches, later.batches) == ([300], [500, 300])


def test_a_folder_that_is_no_task_is_left_alone(box: Box):
    (box.data_dir.root / "datasets" / "Not A Task" / "executions").mkdir(parents=True)
    box.append("2026-11-22.jsonl", 1)
    assert box.steward(Notes()).read_all() == 1


def test_an_erased_line_keeps_the_place_of_the_file(box: Box):
    path = box.append("2026-11-22.jsonl", 1, 2)
    steward = box.steward(Notes())
    steward.read_all()
    first = json.loads(log_line(1))
    erased = {key: first[key] for key in first if key not in ("input", "output")}
    line = json.dumps({**erased, "erased": True}, separators=(",", ":")).encode()
    content = path.read_bytes()
    at = content.index(b"\n")
    compress(path)
    (box.folder / "2026-11-22.jsonl.gz").write_bytes(
        gzip.compress(line.ljust(at) + content[at:] + log_line(3) + b"\n")
    )
    steward.read_all()
    assert box.seen() == Counter([1, 2, 3])
