"""Staged promotions of a real runtime under real traffic, its steward deciding each step."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress

import pytest
from support import (
    PROGRAM,
    TASK,
    RunningRuntime,
    add_version,
    logged,
    make_task,
    promote,
    wait_until,
)

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.rollout.assignment import gets_candidate
from runtime.rollout.control import act, start_rollout
from runtime.rollout.document import find_rollout

# Quick to decide: wide margins, few samples, and no clock so slow that it matters.
QUICK = """
rollout:
  stages: [30, 60, 100]
  min_samples: 40
  margins: {errors: 0.2, timeouts: 0.2, slow: 0.4}
  latency_floor_ms: 2000
  routing_field: caller
"""
FAILING = """
def run(input_data):
    if len(input_data["text"]) % 2:
        return {}["no such key"]
    return "ham"
"""
BROKEN = 'TABLE = {}["no such key"]\n\ndef run(input_data):\n    return "ham"\n'
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "caller": {"type": "string"}},
    "required": ["text"],
}
ALWAYS_HAM = 'def run(input_data):\n    return "ham"\n'
SPAM = [{"input": {"text": f"buy {number}"}} for number in range(100)]
ROWS = [{"input": {"text": "x" * (number % 50)}} for number in range(300)]


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    data_dir.deployment_file.parent.mkdir(parents=True)
    data_dir.deployment_file.write_text(QUICK)
    promote(data_dir, make_task(data_dir, input_schema=SCHEMA))
    return data_dir


def begin(data_dir, source=PROGRAM):
    """A staged promotion of a new version."""
    version = add_version(data_dir, make_task(data_dir, input_schema=SCHEMA), source)
    start_rollout(data_dir, TASK, version)
    return version


def send(runtime, rows=ROWS, **headers):
    """A batch; how many rows each version answered."""
    answer = runtime.http.post("/execute/batch", json=rows, headers=headers)
    return Counter(row["program_version"] for row in answer.json())


def ended(runtime, data_dir, rows=ROWS):
    """Send traffic until the rollout has ended."""

    def look():
        send(runtime, rows)
        rollout = find_rollout(data_dir, TASK)
        return None if rollout.live else rollout

    return wait_until(look, 60)


def test_an_equal_version_proceeds_to_all_callers(data_dir):
    with RunningRuntime(data_dir, steward=True) as runtime:
        version = begin(data_dir)
        rollout = ended(runtime, data_dir)
        assert rollout.state == "promoted"
        assert [step.percent for step in rollout.history] == [30, 60, 100, 100]
        assert all(step.reason for step in rollout.history)
        assert ArtifactStore(data_dir).active(TASK) == version
        wait_until(lambda: set(send(runtime)) == {version})
        shown = runtime.http.get(f"/v1/rollouts/{TASK}").json()
        assert shown["rollout"]["state"] == "promoted"
        assert runtime.http.get("/v1/rollouts").json()["rollouts"][0]["candidate"] == version
    assert {line["program_version"] for line in logged(data_dir)} == {1, 2}


def test_a_failing_version_is_rolled_back_with_its_evidence(data_dir):
    with RunningRuntime(data_dir, steward=True) as runtime:
        version = begin(data_dir, FAILING)
        rollout = ended(runtime, data_dir)
        assert rollout.state == "rolled_back"
        step = rollout.history[-1]
        assert step.outcome == "worse"
        assert "errors" in step.reason
        assert step.evidence["metrics"]["errors"]["difference"]["lower"] >= 0
        assert step.evidence["status"]["candidate"]["error"] > 0
        assert ArtifactStore(data_dir).active(TASK) == 1
        wait_until(lambda: set(send(runtime)) == {1})
        assert version not in send(runtime)


def test_a_version_that_an_oracle_disagrees_with_is_rolled_back(data_dir):
    oracles = {"oracles": [{"kind": "program", "version": 1}]}
    task = make_task(data_dir, input_schema=SCHEMA, sampling_rate=0.2, validation=oracles)
    version = add_version(data_dir, task, ALWAYS_HAM)
    with RunningRuntime(data_dir, steward=True) as runtime:
        start_rollout(data_dir, TASK, version)
        rollout = ended(runtime, data_dir, SPAM)
        assert rollout.state == "rolled_back"
        assert "disagreement with the oracle" in rollout.reason
        assert rollout.evidence["status"]["candidate"]["error"] == 0
        assert rollout.needs_agreement, "an oracle that is a program answers by itself"


def test_two_workers_agree_on_who_gets_which_version(data_dir):
    callers = [f"caller-{number}" for number in range(40)]

    def versions(runtime, caller):
        found = set()
        for _ in range(4):  # each on a connection of its own, so both workers are asked
            answer = runtime.http.post(
                "/execute",
                json={"input": {"text": "hello"}},
                headers={"X-Loopai-Routing-Key": caller, "connection": "close"},
            )
            found.add(answer.json()["program_version"])
        row = {"input": {"text": "hello", "caller": caller}}
        return found | set(send(runtime, [row]))

    with RunningRuntime(data_dir, steward=True, workers=2) as runtime:
        begin(data_dir)
        rollout = act(data_dir, TASK, "pause")
        wait_until(lambda: len(send(runtime)) == 2)
        wait_until(lambda: all(2 in send(runtime) for _ in range(10)))
        seen = {caller: versions(runtime, caller) for caller in callers}
        expected = {
            caller: {2 if gets_candidate(rollout.id.encode(), caller.encode(), 30) else 1}
            for caller in callers
        }
        assert seen == expected
        assert {1} in seen.values()
        assert {2} in seen.values()


def test_a_candidate_that_cannot_be_loaded_switches_nothing(data_dir):
    with RunningRuntime(data_dir, steward=True) as runtime:
        begin(data_dir, BROKEN)
        rollout = wait_until(lambda: _ended(data_dir))
        assert rollout.state == "failed"
        assert rollout.history[-1].outcome == "error"
        assert "cannot be loaded" in rollout.reason
        assert set(send(runtime)) == {1}


def test_a_rollout_survives_a_steward_killed_again_and_again(data_dir):
    with RunningRuntime(data_dir, steward=True) as runtime:
        begin(data_dir)
        act(data_dir, TASK, "pause")  # evidence is gathered on, and no stage ends meanwhile
        sent = Counter()
        for _ in range(3):
            sent += send(runtime)
            _kill_steward(runtime)
        wait_until(lambda: _counted(data_dir) == sent, 30)
        act(data_dir, TASK, "resume")
        assert ended(runtime, data_dir).state == "promoted"


def _ended(data_dir):
    rollout = find_rollout(data_dir, TASK)
    return None if rollout.live else rollout


def _counted(data_dir):
    evidence = find_rollout(data_dir, TASK).evidence
    if evidence is None:
        return None
    counts = evidence["executions"]
    return Counter({1: counts["baseline"], 2: counts["candidate"]})


def _kill_steward(runtime):
    with suppress(ProcessLookupError):
        os.kill(runtime.steward_pid(), signal.SIGKILL)
