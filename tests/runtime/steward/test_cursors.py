"""Places in the log, by properties: whatever is done to files and to the steward, once each."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from runtime.erasure.log_lines import FoundLine, erase_in_place, lines_of
from runtime.steward.cursors import forget_gone
from runtime.steward.loop import Steward
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection, open_state
from tests.support import TASK, log_line

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ("2026-11-20.jsonl", "2026-11-21.jsonl", "2026-11-22.jsonl", "2026-11-22.2.jsonl")


class Killed(BaseException):
    """What kill -9 is to a transaction: nothing after it happens."""


class Counting:
    """Counts each line in the database, and fails or is killed when told to."""

    tables = "CREATE TABLE IF NOT EXISTS counted (observer TEXT, id TEXT)"

    def __init__(self, name: str) -> None:
        self.name = name
        self.raises: BaseException | None = None

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        for at, record in enumerate(records):
            transaction.execute(
                "INSERT INTO counted VALUES (?, ?)", (self.name, record["execution_id"])
            )
            if self.raises is not None and at == len(records) // 2:
                error, self.raises = self.raises, None
                raise error

    def tick(self, moment: datetime) -> None: ...

    def rolled_back(self) -> None: ...

    def close(self) -> None: ...


class LogAndSteward(RuleBasedStateMachine):
    """Files come, grow, are compressed, replaced and removed; the steward reads, fails, dies."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.data_dir = DataDir(self.root)
        self.folder = self.data_dir.executions(TASK)
        self.folder.mkdir(parents=True)
        self.state = open_state(self.data_dir, Counting.tables)
        self.number = 0
        self.expected: Counter[str] = Counter()
        self.time = 0.0
        self.steward: Steward | None = None
        self.start()

    def start(self) -> None:
        self.let_go()
        context = StewardContext(self.data_dir, DeploymentConfig(), self.state, lambda: NOW)
        self.observers = [Counting("one"), Counting("two")]
        self.steward = Steward(context, self.observers, self.monotonic)

    def let_go(self) -> None:
        """Close the files of a steward that has ended, as the kernel does for a killed one."""
        if self.steward is not None:
            self.steward.close()

    def monotonic(self) -> float:
        self.time += 100.0  # nobody has to wait after a failure
        return self.time

    def teardown(self) -> None:
        self.read_everything()
        for observer in self.observers:
            assert self.counted(observer.name) == self.expected
        self.let_go()
        self.state.close()
        shutil.rmtree(self.root)

    def counted(self, name: str) -> Counter[str]:
        rows = self.state.connection.execute("SELECT id FROM counted WHERE observer = ?", (name,))
        return Counter(row[0] for row in rows)

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 5))
    def append(self, name: str, count: int) -> None:
        path = self.folder / name
        if path.with_name(name + ".gz").exists():
            return  # no writer goes on with what is compressed
        with path.open("ab") as file:
            for _ in range(count):
                self.number += 1
                line = log_line(self.number)
                self.expected[json.loads(line)["execution_id"]] += 1
                file.write(line + b"\n")

    @rule()
    def read(self) -> None:
        self.steward.turn(at_once=True)

    @rule()
    def read_everything(self) -> None:
        while self.steward.turn(at_once=True):
            pass

    @rule(which=st.integers(0, 1))
    def one_fails(self, which: int) -> None:
        self.observers[which].raises = RuntimeError("no")
        self.steward.turn(at_once=True)
        self.observers[which].raises = None

    @rule(which=st.integers(0, 1))
    def killed_while_reading(self, which: int) -> None:
        self.observers[which].raises = Killed()
        try:
            self.steward.turn(at_once=True)
        except Killed:
            self.start()
        self.observers[which].raises = None

    @rule()
    def restart(self) -> None:
        self.start()

    @rule(name=st.sampled_from(NAMES))
    def compress(self, name: str) -> None:
        path = self.folder / name
        if path.exists():
            path.with_name(name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

    @rule(name=st.sampled_from(NAMES))
    def compression_is_interrupted(self, name: str) -> None:
        path = self.folder / name
        if path.exists():
            path.with_name(name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            self.steward.turn(at_once=True)
            path.with_name(name + ".gz").unlink()

    @rule(name=st.sampled_from(NAMES))
    def replaced_when_read(self, name: str) -> None:
        self.read_everything()
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / (name + ".gz")).unlink(missing_ok=True)

    @rule(name=st.sampled_from(NAMES))
    def away_for_a_while(self, name: str) -> None:
        path, aside = self.folder / name, self.folder / "aside"
        if path.exists():
            path.rename(aside)
            self.steward.turn(at_once=True)
            aside.rename(path)

    @rule()
    @precondition(lambda self: list_log_files(self.folder))
    def erase_first_lines(self) -> None:
        for file in list_log_files(self.folder):
            if not file.compressed:
                found: list[FoundLine] = list(lines_of(file))[:1]
                erase_in_place(file, found)

    @rule()
    def forget(self) -> None:
        forget_gone(self.state, self.data_dir, date(2027, 11, 22))

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        for observer in self.observers:
            assert not self.counted(observer.name) - self.expected


LogAndSteward.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestPlacesInTheLog = LogAndSteward.TestCase
