"""Power cuts: with durability `disk` nothing that was answered is lost, whenever the power goes."""

from __future__ import annotations

import copy
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from support import TASK, RunningRuntime, log_line, wait_until

from kill.killing import folder_with
from kill.load import Load
from kill.power_cut import Machine, tracer
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader

ANSWERS = 150
BLOCK = 4096


def can_trace() -> bool:
    command = [*tracer(Path("/dev/null")), "true"]
    return bool(shutil.which("strace")) and subprocess.run(command).returncode == 0


pytestmark = pytest.mark.skipif(
    not can_trace(), reason="needs strace 5.3 and the right to trace (apt-get install strace)"
)


def serve_traced(tmp_path: Path, durability: str) -> tuple[Path, Machine]:
    """Serve some requests under a tracer; the trace, and the machine as it was before."""
    data_dir = folder_with(tmp_path, durability)
    machine = Machine(data_dir.root)
    trace = tmp_path / "trace"
    with RunningRuntime(data_dir, under=tracer(trace)) as runtime:
        load = Load((runtime.http.base_url.host, runtime.http.base_url.port))
        try:
            wait_until(lambda: len(load.answered) >= ANSWERS, 60)
        finally:
            load.stop()
        pid = runtime.process.pid
        assert runtime.stop() == 0
    wait_until(lambda: f"{pid} +++ exited" in trace.read_text()[-500:].replace("  ", " "))
    assert not load.violations
    return trace, machine


@pytest.fixture(scope="module")
def served_with_disk(tmp_path_factory) -> tuple[Path, Machine]:
    return serve_traced(tmp_path_factory.mktemp("disk"), "disk")


def test_disk_has_every_line_on_the_disk_before_its_answer_leaves(served_with_disk):
    trace, machine = copy.deepcopy(served_with_disk)
    answers = list(machine.replay(trace))
    assert len(answers) >= ANSWERS
    assert [answer for answer in answers if not answer.on_disk] == []
    assert machine.syncs < len(answers), "many answers share a sync"


def test_process_has_every_line_in_the_kernel_but_a_power_cut_may_take_it(tmp_path):
    trace, machine = serve_traced(tmp_path, "process")
    answers = list(machine.replay(trace))
    assert len(answers) >= ANSWERS
    assert [answer for answer in answers if not answer.written] == []
    assert not all(answer.on_disk for answer in answers), "else this simulation proves nothing"


def test_after_a_power_cut_the_log_is_read_and_written_on(served_with_disk, tmp_path):
    trace, machine = copy.deepcopy(served_with_disk)
    chance = random.Random(20261122)
    answered: set[str] = set()
    cuts = 0
    for answer in machine.replay(trace):
        answered.update(answer.execution_ids)
        if chance.random() < 0.25:
            cuts += 1
            left = DataDir(tmp_path / f"left-{cuts}")
            leave(machine, left, chance)
            log = ExecutionLog(left.executions(TASK))
            log.append([log_line(1)])
            log.close()
            reader = LogReader(left.executions(TASK))
            ids = [record["execution_id"] for record in reader.records()]
            assert answered <= set(ids)
            assert len(ids) == len(set(ids))
            assert json.loads(log_line(1))["execution_id"] in ids
            assert reader.malformed <= 1, "the line that a lost block ended in, at most"
    assert cuts > 10


def leave(machine: Machine, left: DataDir, chance: random.Random) -> None:
    """Write what is on the disk, and of the rest nothing, a part, zeros, or all but a block."""
    left.executions(TASK).mkdir(parents=True)
    for name, certain, rest in machine.left():
        rest = rest[: chance.randrange(len(rest) + 1)]
        rest = chance.choice([b"", rest, bytes(len(rest)), bytes(BLOCK) + rest[BLOCK:]])
        (left.executions(TASK) / name).write_bytes(certain + rest)
