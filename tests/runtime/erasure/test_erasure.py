"""One person's records: found everywhere, handed out, erased, and nobody else's touched."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runtime.commands.erasure import command
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader, decode_record
from runtime.datasets.rollup import daily_stats, stats
from runtime.erasure.audit import append_audit, read_audit
from runtime.erasure.condition import all_hold, parse_conditions
from runtime.erasure.erase import erase
from runtime.erasure.search import find_records
from runtime.erasure.tombstone import tombstone
from runtime.errors import InvalidInputError
from runtime.models import Example
from runtime.sampling.observer import SamplingObserver
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.state import open_state, state_file
from runtime.steward.statistics import StatisticsObserver
from tests.support import TASK, log_line, make_task

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANN = "ann@example.com"
WHERE = [f"input.email={ANN}"]


def line(number: int, who: str, day: str = "2026-11-22", **more) -> bytes:
    stamp = f"{day}T10:00:00.000000Z"
    given = {"input": {"email": who, "text": f"from {who}"}, "output": f"dear {who}", **more}
    return log_line(number, stamp, **given)


def validation(number: int, who: str) -> bytes:
    record = json.loads(line(number, who))
    more = {"oracle_output": f"dear {who}", "match": True, "inclusion_probability": 0.1, "id": "x"}
    return json.dumps({**record, **more}).encode()


def write(path: Path, *lines: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    """Records of two people in every place there is."""
    data_dir = DataDir(tmp_path / "data")
    schema = {"type": "object"}
    examples = (
        Example(input={"email": ANN, "text": "hello"}, output="hi"),
        Example(input={"email": "bob@example.com", "text": "hello"}, output="hi"),
    )
    make_task(data_dir, input_schema=schema, output_schema={}, examples=examples)
    logs = data_dir.executions(TASK)
    write(logs / "2026-11-20.jsonl.gz", *(line(n, ANN if n % 3 else "bob@example.com", "2026-11-20")
                                          for n in range(30)))  # fmt: skip
    write(logs / "2026-11-22.jsonl", line(100, ANN), line(101, "bob@example.com"), line(102, ANN))
    (logs / "2026-11-22.jsonl.quarantine").write_bytes(line(7, ANN)[:-20] + b"\n{torn of bob\n")
    write(data_dir.validations(TASK) / "sampled-2026-11-22.jsonl",
          validation(100, ANN), validation(101, "bob@example.com"))  # fmt: skip
    return data_dir


def read(data_dir: DataDir) -> None:
    """Have a steward read everything and write its files."""
    with open_state(data_dir) as state:
        context = StewardContext(data_dir, DeploymentConfig(), state, lambda: NOW)
        observers = [StatisticsObserver(context), SamplingObserver(context)]
        for observer in observers:
            state.create(observer.tables)
        steward = Steward(context, observers)
        steward.read_all()
        steward.tick(NOW)


def everything(data_dir: DataDir) -> bytes:
    """All bytes of the data directory, what is compressed decompressed."""
    content = b""
    for path in sorted(data_dir.root.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            content += gzip.decompress(data) if path.suffix == ".gz" else data
    return content


def test_everything_of_a_person_is_found(data_dir: DataDir):
    read(data_dir)
    found = list(find_records(data_dir, TASK, parse_conditions(WHERE), lambda text: None))
    kinds = [record["kind"] for record in found]
    assert kinds.count("execution") == 22
    assert kinds.count("validation") == kinds.count("example") == 1
    assert all("bob" not in json.dumps(record) for record in found)


def test_after_erasure_no_byte_of_a_person_is_left_and_all_of_the_others_is(data_dir: DataDir):
    read(data_dir)
    assert ANN.encode() in state_file(data_dir).read_bytes() + everything(data_dir)
    erased = erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    assert (erased.executions, erased.validations, erased.examples, erased.torn_lines) == (
        22, 1, 1, 1)  # fmt: skip
    assert b"ann@" not in everything(data_dir)
    records = list(LogReader(data_dir.executions(TASK)).records())
    assert len(records) == 33
    kept = [record for record in records if not record.get("erased")]
    assert {record["input"]["email"] for record in kept} == {"bob@example.com"}
    assert len(kept) == 11
    assert list(find_records(data_dir, TASK, parse_conditions(WHERE), lambda text: None)) == []


def test_counts_latencies_and_agreement_are_as_before_and_outputs_forget(data_dir: DataDir):
    read(data_dir)
    days = LogReader(data_dir.executions(TASK)).days()
    before = stats(data_dir, TASK, days, NOW.date())
    erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    read(data_dir)
    after = stats(data_dir, TASK, days, NOW.date())
    for name in ("executions", "status", "latency_ms", "throughput"):
        assert before[name] == after[name]
    assert [value["value"] for value in after["outputs"]["values"]] == ["dear bob@example.com"]
    assert before["agreement"] == after["agreement"]


def test_a_steward_at_work_reads_the_day_anew_and_nothing_else_twice(data_dir: DataDir):
    with open_state(data_dir) as state:
        context = StewardContext(data_dir, DeploymentConfig(), state, lambda: NOW)
        observers = [StatisticsObserver(context), SamplingObserver(context)]
        for observer in observers:
            state.create(observer.tables)
        steward = Steward(context, observers)
        steward.read_all()
        erase(data_dir, TASK, parse_conditions(WHERE), NOW)
        assert steward.read_all() == 33
        steward.tick(NOW + timedelta(seconds=20))
        rows = state.connection.execute("SELECT sums FROM day_sums").fetchall()
    assert sum(json.loads(row["sums"])["executions"] for row in rows) == 33
    day = NOW.date()
    written = json.loads(data_dir.daily_stats_file(TASK, day).read_bytes())
    assert written == daily_stats(data_dir, TASK, day)


def test_a_log_that_is_being_written_loses_no_line(data_dir: DataDir):
    log = ExecutionLog(data_dir.executions(TASK))
    stop = threading.Event()
    written = [0]

    def append() -> None:
        while not stop.is_set():
            log.append([line(1000 + written[0], ANN)], NOW)
            written[0] += 1
            stop.wait(0.001)

    writer = threading.Thread(target=append)
    writer.start()
    try:
        for _ in range(5):
            erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    finally:
        stop.set()
        writer.join()
        log.close()
    erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    reader = LogReader(data_dir.executions(TASK))
    records = list(reader.records())
    assert len(records) == 33 + written[0]
    assert reader.malformed == 0
    assert b"ann@" not in everything(data_dir)


def test_an_erasure_that_was_killed_is_finished_by_the_next(data_dir: DataDir):
    read(data_dir)
    append_audit(data_dir, "erasure begun", NOW, task=TASK)
    logs = data_dir.executions(TASK) / "2026-11-22.jsonl"
    lines = logs.read_bytes().splitlines()
    logs.write_bytes(b"".join(
        (tombstone(line) if b"ann@" in line else line) + b"\n" for line in lines))  # fmt: skip
    erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    assert b"ann@" not in everything(data_dir)


def test_the_audit_log_says_what_was_done_and_not_to_whom(data_dir: DataDir):
    erase(data_dir, TASK, parse_conditions(WHERE), NOW)
    begun, done = read_audit(data_dir)
    assert (begun["action"], done["action"]) == ("erasure begun", "erasure done")
    assert done["erased"]["executions"] == 22
    assert done["where"][0].startswith("input.email = sha256:")
    assert done["by"]


def test_the_commands_export_rehearse_and_erase(data_dir: DataDir):
    run = CliRunner().invoke
    place = ["--data-dir", str(data_dir.root), "--where", WHERE[0]]
    exported = run(command, ["export", TASK, *place], standalone_mode=False)
    assert exported.return_value == 0
    assert len(exported.stdout.splitlines()) == 24
    rehearsed = run(command, ["erase", TASK, *place, "--dry-run", "--json"], standalone_mode=False)
    assert json.loads(rehearsed.stdout)["records"] == {
        "execution": 22, "validation": 1, "example": 1}  # fmt: skip
    refused = run(command, ["erase", TASK, *place], input="n\n")
    assert refused.exit_code != 0
    assert b"ann@" in everything(data_dir)
    erased = run(command, ["erase", TASK, *place, "--yes"], standalone_mode=False)
    assert erased.return_value == 0
    assert "22 executions" in erased.stdout
    again = run(command, ["erase", TASK, *place, "--yes"], standalone_mode=False)
    assert again.return_value == 1


@pytest.mark.parametrize("text", ["", "=", "input", "input.email", "secret=1", "input.a= "])
def test_what_is_no_condition_is_refused(text: str):
    with pytest.raises(InvalidInputError):
        parse_conditions([text])
    with pytest.raises(InvalidInputError):
        parse_conditions([])


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("input.a=1", True), ("input.a~1", False), ("input.b=yes", True), ("input.b=Yes", False),
        ("input~YES", True), ("input.c.d=null", True), ("input.c.e=null", False),
        ("output=true", True), ("output=false", False), ("input.b.x=yes", False),
    ],
)  # fmt: skip
def test_a_condition_means_what_it_says(where: str, holds: bool):
    record = {"input": {"a": 1, "b": "yes", "c": {"d": None}}, "output": True}
    assert all_hold(parse_conditions([where]), record) is holds


@given(
    st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.integers(0, 9)), max_size=5),
    st.one_of(st.none(), st.text(), st.integers(-(10**9), 10**9)),
    st.sampled_from(["success", "error", "timeout"]),
)
def test_a_tombstone_is_as_long_as_its_line_and_says_nothing_of_it(value, output, status):
    original = log_line(1, input={"secret": value}, output=output, status=status, error="secret")
    stone = tombstone(original)
    record = decode_record(stone)
    assert len(stone) == len(original)
    assert b"secret" not in stone
    assert b"\n" not in stone
    assert record["erased"] is True
    kept = decode_record(original)
    for name in ("execution_id", "timestamp", "status", "program_version", "latency_ms"):
        assert record[name] == kept[name]
