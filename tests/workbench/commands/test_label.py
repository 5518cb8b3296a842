"""`loopai label`: the queue for a script, and for a person at a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from support import TASK, clean_environment, make_task

from runtime.data_dir import DataDir
from runtime.datasets.reader import LogReader
from runtime.steward.samples import Sample, add_samples
from runtime.steward.state import open_state
from runtime.validation import queue


def id_of(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir)
    samples = [
        Sample(
            execution_id=id_of(number),
            task=TASK,
            program_version=1,
            input={"text": f"text {number}"},
            output="ham",
            error=None,
            confidence=0.6,
            status="success",
            latency_ms=1.0,
            executed_at=f"2026-11-22T10:00:{number:02d}.000000Z",
            strategy="random",
            inclusion_probability=0.5,
        )
        for number in range(5)
    ]
    with open_state(data_dir, queue.TABLES) as state, state.transaction() as connection:
        add_samples(connection, samples)
    return data_dir


def label(data_dir, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "label", TASK, *arguments],
        capture_output=True,
        text=True,
        env={**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def lines(data_dir):
    found = LogReader(data_dir.validations(TASK), prefix="sampled-").records()
    return {record["input"]["text"]: record for record in found}


def test_a_script_lists_accepts_corrects_and_skips(data_dir):
    listed = json.loads(label(data_dir, "--json").stdout)
    assert listed["waiting"] == 5
    assert listed["samples"][0]["execution_id"] == id_of(4), "the newest first"
    done = label(
        data_dir,
        "--accept",
        id_of(0),
        "--correct",
        id_of(1),
        '"spam"',
        "--skip",
        id_of(2),
        "--json",
    )
    assert json.loads(done.stdout) == {
        "task": TASK,
        "labelled": 3,
        "waiting": 2,
        "done": 2,
        "skipped": 1,
    }
    found = lines(data_dir)
    assert {text: record["match"] for text, record in found.items()} == {
        "text 0": True,
        "text 1": False,
    }
    assert found["text 1"]["oracle"] == "person" and found["text 1"]["oracle_output"] == "spam"
    assert "2 wait" in label(data_dir).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--correct", id_of(0), '"eggs"'), "output_schema"),
        (("--correct", id_of(0), "eggs"), "not JSON"),
        (("--accept", id_of(0), "--accept", "nonsense"), "not in the queue"),
    ],
)
def test_what_cannot_be_is_refused_whole(data_dir, arguments, says):
    assert says in label(data_dir, *arguments, code=2).stderr
    assert json.loads(label(data_dir, "--json").stdout)["waiting"] == 5
    assert lines(data_dir) == {}


def test_a_person_accepts_corrects_takes_back_and_quits(data_dir):
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)}
        os.execve(
            sys.executable,
            [sys.executable, "-m", "workbench", "label", TASK],
            {**environment, "TERM": "xterm", "COLUMNS": "100"},
        )
    shown = b""

    def until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            ready, _, _ = select.select([terminal], [], [], 30)
            assert ready, shown
            shown += os.read(terminal, 4096)
        shown = shown.partition(text)[2]

    for wait_for, key in (
        (b"uit", b"a"),  # text 4 is right
        (b"uit", b"s"),  # text 3: nobody can tell
        (b"uit", b"u"),  # or can they?
        (b"uit", b"c"),
        (b"which", b"1\n"),
        (b"uit", b"q"),
    ):
        until(wait_for)
        os.write(terminal, key)
    try:
        until(b"3 still wait")
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    found = lines(data_dir)
    assert {text: record["oracle_output"] for text, record in found.items()} == {
        "text 4": "ham",
        "text 3": "spam",
    }
    assert os.waitstatus_to_exitcode(status) == 0
