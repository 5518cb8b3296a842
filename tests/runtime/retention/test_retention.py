"""What is compressed and deleted, and what never is, whoever reads, writes or is killed."""

from __future__ import annotations

import gzip
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader
from runtime.datasets.rollup import stats
from runtime.errors import LoopaiError
from runtime.retention import run as retention_run
from runtime.retention.compress import compress_log_file
from runtime.retention.plan import Rules, StoredFile, plan_compression, plan_deletion
from runtime.retention.run import retention_lock, run_retention
from runtime.steward.lock import hold_lock
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.state import open_state
from runtime.steward.statistics import StatisticsObserver
from tests.support import TASK, add_version, log_line, make_task, promote

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()


def config(**sections) -> DeploymentConfig:
    return DeploymentConfig.model_validate({"runtime": {"steward": False}, **sections})


def fill(data_dir: DataDir, age: int, *numbers: int, writer: str = "") -> Path:
    """A day's file, so many days old."""
    day = TODAY - timedelta(days=age)
    path = data_dir.executions(TASK) / f"{day}{'.' + writer if writer else ''}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = f"{day}T10:00:00.000000Z"
    path.write_bytes(b"".join(log_line(number, stamp) + b"\n" for number in numbers))
    return path


def names(data_dir: DataDir) -> list[str]:
    return sorted(path.name for path in data_dir.executions(TASK).iterdir())


def ids(data_dir: DataDir) -> list[str]:
    return sorted(r["execution_id"] for r in LogReader(data_dir.executions(TASK)).records())


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir)
    return data_dir


def test_old_days_are_compressed_then_deleted_and_today_stays(data_dir: DataDir):
    for age in (0, 1, 5, 31):
        fill(data_dir, age, age)
    outcome = run_retention(data_dir, config(), NOW)
    assert names(data_dir) == ["2026-11-17.jsonl.gz", "2026-11-21.jsonl.gz", "2026-11-22.jsonl"]
    assert [entry["day"] for entry in outcome.deleted] == ["2026-10-22"]
    assert len(outcome.compressed) == 2
    assert run_retention(data_dir, config(), NOW).compressed == []


def test_a_dry_run_says_the_same_and_changes_nothing(data_dir: DataDir):
    for age in (0, 1, 31):
        fill(data_dir, age, age)
    before = names(data_dir)
    rehearsed = run_retention(data_dir, config(), NOW, dry_run=True)
    assert names(data_dir) == before
    done = run_retention(data_dir, config(), NOW)
    for name in ("compressed", "deleted"):
        said = [entry["file"] for entry in getattr(rehearsed, name)]
        assert said == [entry["file"] for entry in getattr(done, name)]


def test_the_figures_of_a_deleted_day_stay(data_dir: DataDir):
    fill(data_dir, 40, 1, 2, 3)
    fill(data_dir, 40, 4, writer="2")
    run_retention(data_dir, config(), NOW)
    assert names(data_dir) == []
    day = TODAY - timedelta(days=40)
    assert stats(data_dir, TASK, [day], TODAY)["executions"] == 4


def test_a_day_that_was_half_deleted_when_it_was_killed_keeps_all_its_figures(
    data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
):
    fill(data_dir, 40, 1, 2, 3)
    fill(data_dir, 40, 4, writer="2")
    real, left = Path.unlink, [1]

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith(".jsonl"):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(KeyboardInterrupt):
        run_retention(data_dir, config(), NOW)
    monkeypatch.undo()
    assert len(names(data_dir)) == 1
    run_retention(data_dir, config(), NOW)
    assert names(data_dir) == []
    assert stats(data_dir, TASK, [TODAY - timedelta(days=40)], TODAY)["executions"] == 4


def test_a_file_that_an_observer_has_not_read_stays_as_it_is(data_dir: DataDir):
    fill(data_dir, 40, 1)
    fill(data_dir, 2, 2)
    settings = config(runtime={"steward": True})
    outcome = run_retention(data_dir, settings, NOW)
    assert names(data_dir) == ["2026-10-13.jsonl", "2026-11-20.jsonl"]
    assert {"statistics", "sampling"} <= set(
        outcome.kept[0]["reason"].removeprefix("not read to its end by ").split(", ")
    )
    with open_state(data_dir) as state:
        context = StewardContext(data_dir, settings, state, lambda: NOW)
        observer = StatisticsObserver(context)
        state.create(observer.tables)
        steward = Steward(context, [observer])
        steward.read_all()
        steward.tick(NOW)
    run_retention(data_dir, settings, NOW)
    assert names(data_dir) == ["2026-11-20.jsonl.gz"]


def test_the_oldest_days_go_first_when_there_is_too_much(data_dir: DataDir):
    for age in (0, 1, 2, 3):
        fill(data_dir, age, *range(2000))
    size = 2.4 * fill(data_dir, 0, *range(2000)).stat().st_size
    settings = config(
        storage={"max_size_gb": size / 1e9}, retention={"executions": {"compress_after": 9}}
    )
    outcome = run_retention(data_dir, settings, NOW)
    assert names(data_dir) == ["2026-11-21.jsonl", "2026-11-22.jsonl"]
    assert [entry["day"] for entry in outcome.deleted] == ["2026-11-19", "2026-11-20"]


def test_a_file_that_a_writer_holds_open_is_left_alone(data_dir: DataDir):
    log = ExecutionLog(data_dir.executions(TASK))
    log.append([log_line(1)], NOW - timedelta(days=2))
    outcome = run_retention(data_dir, config(), NOW)
    assert outcome.kept[0]["reason"] == "a writer has it open"
    assert names(data_dir) == ["2026-11-20.jsonl"]
    log.close()
    run_retention(data_dir, config(), NOW)
    assert names(data_dir) == ["2026-11-20.jsonl.gz"]


def test_a_writer_whose_clock_goes_back_writes_beside_what_is_compressed(data_dir: DataDir):
    fill(data_dir, 2, 1)
    run_retention(data_dir, config(), NOW)
    log = ExecutionLog(data_dir.executions(TASK))
    log.append([log_line(2, "2026-11-20T11:00:00.000000Z")], NOW - timedelta(days=2))
    log.close()
    assert names(data_dir) == ["2026-11-20.2.jsonl", "2026-11-20.jsonl.gz"]
    assert len(ids(data_dir)) == 2


def ends_at(step: int):
    """An audit hook that ends the process at its n-th change of the disk."""
    left = [step]

    def hook(event: str, arguments: object) -> None:
        if event in ("open", "os.rename", "os.remove", "os.chmod", "tempfile.mkstemp"):
            left[0] -= 1
            if not left[0]:
                os._exit(9)

    return hook


def test_compression_that_is_killed_at_any_step_loses_and_doubles_nothing(data_dir: DataDir):
    for fail_at in range(1, 8):
        path = fill(data_dir, 2, *range(500))
        expected = ids(data_dir)
        pid = os.fork()
        if pid == 0:
            sys.addaudithook(ends_at(fail_at))
            compress_log_file(path)
            os._exit(0)
        os.waitpid(pid, 0)
        assert ids(data_dir) == expected
        run_retention(data_dir, config(), NOW)
        assert ids(data_dir) == expected
        (data_dir.executions(TASK) / "2026-11-20.jsonl.gz").unlink()


def test_what_is_compressed_is_private_as_before_and_the_same_each_time(data_dir: DataDir):
    path = fill(data_dir, 2, 1)
    path.chmod(0o640)
    content = path.read_bytes()
    run_retention(data_dir, config(), NOW)
    packed = path.with_name(path.name + ".gz")
    assert packed.stat().st_mode & 0o777 == 0o640
    assert gzip.decompress(packed.read_bytes()) == content
    first = packed.read_bytes()
    packed.unlink()
    path.write_bytes(content)
    run_retention(data_dir, config(), NOW)
    assert packed.read_bytes() == first


def test_a_torn_tail_is_set_aside_and_goes_with_its_day(data_dir: DataDir):
    path = fill(data_dir, 2, 1)
    path.write_bytes(path.read_bytes() + b'{"torn')
    run_retention(data_dir, config(), NOW)
    assert names(data_dir) == ["2026-11-20.jsonl.gz", "2026-11-20.jsonl.quarantine"]
    run_retention(data_dir, config(), NOW + timedelta(days=40))
    assert names(data_dir) == []


def test_old_versions_go_but_not_those_that_serve(data_dir: DataDir):
    task = make_task(data_dir)
    promote(data_dir, task)
    for _ in range(4):
        add_version(data_dir, task)
    settings = config(retention={"artifacts": {"keep_versions": 2}})
    assert run_retention(data_dir, settings, NOW, dry_run=True).versions == [
        {"task": TASK, "version": 2},
        {"task": TASK, "version": 3},
    ]
    run_retention(data_dir, settings, NOW)
    assert sorted(path.name for path in data_dir.artifacts(TASK).glob("v*")) == ["v1", "v4", "v5"]


def test_two_runs_never_work_at_once(data_dir: DataDir):
    with (
        hold_lock(retention_lock(data_dir), "busy"),
        pytest.raises(LoopaiError, match="another run"),
    ):
        run_retention(data_dir, config(), NOW)


def test_the_report_of_the_last_run_is_kept(data_dir: DataDir):
    fill(data_dir, 2, 1)
    run_retention(data_dir, config(), NOW)
    report = json.loads(retention_run.report_file(data_dir).read_bytes())
    assert report["v"] == 1
    assert report["compressed"][0]["file"].endswith("2026-11-20.jsonl")


stored = st.builds(
    StoredFile,
    path=st.integers(0, 99).map(lambda number: Path(f"{number}.jsonl")),
    task=st.sampled_from(["a", "b"]),
    kind=st.sampled_from(["executions", "validations"]),
    day=st.integers(-3, 60).map(lambda age: TODAY - timedelta(days=age)),
    bytes=st.integers(0, 1000),
    compressed=st.booleans(),
    unread_by=st.sampled_from([(), (), ("someone",)]),
)
rules = st.builds(
    Rules, st.integers(0, 5), st.integers(0, 50), st.integers(0, 50), st.integers(0, 20_000)
)


@given(st.lists(stored, max_size=30), rules)
def test_no_plan_ever_touches_today_or_what_is_unread(files, rules):
    steps = plan_compression(files, rules, TODAY) + plan_deletion(files, rules, TODAY)
    for step in steps:
        if step.action != "keep":
            assert step.file.day < TODAY
            assert not step.file.unread_by


@given(st.lists(stored, max_size=30), rules)
def test_what_is_left_fits_or_may_not_be_touched(files, rules):
    gone = [s.file for s in plan_deletion(files, rules, TODAY) if s.action == "delete"]
    left = [file for file in files if file not in gone]
    blocked = {(f.day, f.task, f.kind) for f in files if f.unread_by}
    free = [f for f in left if f.day < TODAY and (f.day, f.task, f.kind) not in blocked]
    if sum(file.bytes for file in left) > rules.max_bytes:
        assert not free
    for file in free:
        assert (TODAY - file.day).days <= rules.keep_days(file.kind)
