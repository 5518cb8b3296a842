"""The whole learning loop on one box, from files and HTTP alone, while every process is killed.

Traffic drifts, sampling notices, an oracle labels, improvement makes v2, the staged rollout
promotes it; then a worse v3 is rolled back. No answered execution is missing, none counts twice.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from datetime import date

import pytest
from learning_traffic import Traffic, first, message, right_answer
from support import (
    TASK,
    RunningRuntime,
    add_version,
    children_of,
    logged,
    make_task,
    promote,
    wait_until,
)

from runtime.artifacts import ArtifactStore
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.reader import LogReader
from runtime.models import Example
from runtime.rollout.control import start_rollout
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.observers import make_observers
from runtime.steward.state import open_state
from runtime.tasks import load_task
from runtime.validation.settle import PREFIX, read_validations

V1 = 'def run(input_data):\n    return ("spam" if "buy" in input_data["text"] else "ham", 0.9)\n'
V3 = 'def run(input_data):\n    return ("ham", 0.9)\n'
ORACLE = """
def run(input_data):
    text = input_data["text"]
    return "spam" if "buy" in text or "jackpot" in text else "ham"
"""
DEPLOYMENT = """
runtime:
  modules: [workbench.improve]
sampling:
  strategy: random
  rate: 0.2
improve:
  auto: true
  strategies: [rule]
  min_failures: 15
  interval_sec: 1
rollout:
  stages: [50, 100]
  min_samples: 150
  agreement: required
  latency_floor_ms: 50
  margins: {errors: 0.1, timeouts: 0.1, slow: 0.1, disagreement: 0.2}
"""
SECONDS = 60.0


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    examples = tuple(
        Example(input={"text": text}, output=right_answer(text))
        for text in (message(number, drifted=False) for number in range(-40, 0))
    )
    task = make_task(
        data_dir,
        examples=examples,
        sampling_rate=0.2,
        validation={"oracles": [{"kind": "program", "file": "right.py"}]},
    )
    data_dir.task(TASK).joinpath("right.py").write_text(ORACLE)
    promote(data_dir, task, V1)
    data_dir.deployment_file.parent.mkdir(parents=True)
    # Until drift is noticed nothing is learned: what was learned would hide it again.
    patient = DEPLOYMENT.replace("min_failures: 15", "min_failures: 1000000")
    data_dir.deployment_file.write_text(patient)
    return data_dir


class Box:
    """The runtime with its children; any of them can be killed, all come back."""

    def __init__(self, data_dir: DataDir) -> None:
        self.data_dir = data_dir
        self.runtime = RunningRuntime(data_dir, steward=True)

    def rollout(self) -> dict:
        """What the runtime says of the task's rollout."""
        answer = self.runtime.http.get(f"/v1/rollouts/{TASK}")
        return (answer.json().get("rollout") or {}) if answer.status_code == 200 else {}

    def child(self, name: str) -> int | None:
        """The process of a module beside the HTTP workers, or of an HTTP worker (`start`)."""
        return first(children_of(self.runtime.process.pid), lambda line: name in line)

    def kill(self, name: str) -> None:
        """kill -9 a child; it is back when another has its place."""
        killed = wait_until(lambda: self.child(name))
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.child(name) not in (None, killed), SECONDS)

    def kill_everything(self, traffic: Traffic) -> None:
        """kill -9 the supervisor, which takes all others with it, and start anew."""
        self.runtime.stop(signal.SIGKILL)
        self.runtime = RunningRuntime(self.data_dir, steward=True)
        traffic.url = self.runtime.url


@pytest.mark.thorough
def test_a_drifted_program_is_noticed_improved_rolled_out_and_a_worse_one_rolled_back(data_dir):
    box = Box(data_dir)
    traffic = Traffic(box.runtime.url)
    store = ArtifactStore(data_dir)
    try:
        wait_until(lambda: len(traffic.answered) > 200)
        box.kill("runtime start")  # an HTTP worker, in the midst of a batch
        # Of few executions it is mostly chance.
        wait_until(lambda: drift_of(data_dir).get("records", 0) > 1000, SECONDS)
        before = drift_of_words(data_dir)

        # Drift: half of the traffic is spam of a kind the examples do not know.
        traffic.drifted = True
        wait_until(lambda: drift_of_words(data_dir) > before + 0.05, SECONDS)
        box.kill("runtime.steward")
        wait_until(lambda: failures(data_dir) > 5, SECONDS)
        data_dir.deployment_file.write_text(DEPLOYMENT)

        # It improves by itself; killed on the way, it does so again from the failures after.
        wait_until(lambda: example_count(data_dir) > 40, SECONDS)
        box.kill("workbench.improve")
        wait_until(lambda: box.rollout().get("candidate"), SECONDS)
        candidate = box.rollout()["candidate"]

        # Half of the traffic goes to it. Everything is killed at once; it goes on where it was.
        wait_until(lambda: traffic.by_version()[candidate] > 20, SECONDS)
        box.kill_everything(traffic)
        wait_until(lambda: box.rollout().get("state") == "promoted", SECONDS)
        assert store.active(TASK) == candidate
        events = [step["event"] for step in box.rollout()["history"]]
        assert events[0] == "started" and events[-1] == "promoted"

        # A version that calls everything ham, and the steward is killed while it judges.
        worse = add_version(data_dir, load_task(data_dir, TASK), V3)
        start_rollout(data_dir, TASK, worse, reason="the test")
        wait_until(lambda: traffic.by_version()[worse] > 5, SECONDS)
        box.kill("runtime.steward")
        wait_until(lambda: box.rollout().get("state") == "rolled_back", SECONDS)
        assert store.active(TASK) == candidate
        last = box.rollout()["history"][-1]
        assert last["outcome"] == "worse" and "disagreement" in last["reason"]
        wait_until(lambda: served_only_by(traffic, candidate))
    finally:
        traffic.stop()
        box.runtime.stop()
    assert traffic.violations == []
    assert traffic.wrong()[candidate] < 0.05 * traffic.by_version()[candidate]
    nothing_is_missing_and_nothing_counts_twice(data_dir, traffic)


def nothing_is_missing_and_nothing_counts_twice(data_dir, traffic) -> None:
    """The log holds each answered execution once; samples, validations and figures follow it."""

    lines = logged(data_dir)
    names = Counter(line["execution_id"] for line in lines)
    assert max(names.values()) == 1
    assert traffic.answered.keys() <= names.keys()
    # What the steward had not read when it was stopped it reads now, and nothing else.
    config = load_deployment(data_dir.deployment_file)
    with open_state(data_dir) as state:
        context = StewardContext(data_dir, config, state)
        steward = Steward(context, make_observers(context))
        steward.read_all()
        counted = state.connection.execute(
            "SELECT coalesce(sum(count), 0) FROM day_seconds WHERE task = ?", (TASK,)
        ).fetchone()[0]
        sampled = state.connection.execute("SELECT execution_id FROM samples").fetchall()
        steward.close()
    assert counted == len(lines)
    validated = Counter(line["execution_id"] for line in read_every_validation(data_dir))
    assert max(validated.values()) == 1
    assert validated.keys() <= {row[0] for row in sampled} <= names.keys()
    assert 0.15 < len(sampled) / len(lines) < 0.25


def read_every_validation(data_dir):

    reader = LogReader(data_dir.validations(TASK), prefix=PREFIX)
    records = list(reader.records())
    assert reader.malformed == 0
    return records


def drift_of(data_dir) -> dict:
    """What the steward last measured; empty while it has nothing."""
    try:
        return json.loads((data_dir.analytics(TASK) / "drift.json").read_bytes())
    except FileNotFoundError:
        return {}


def drift_of_words(data_dir) -> float:
    """How far the words of the inputs have moved from the examples'."""
    measure = drift_of(data_dir)
    found = {feature["feature"]: feature["psi"] for feature in measure["features"]}
    return found["input words"]


def failures(data_dir) -> int:
    return sum(not line["match"] for line in read_validations(data_dir, TASK, date.min))


def example_count(data_dir) -> int:
    return len(data_dir.examples_file(TASK).read_bytes().splitlines())


def served_only_by(traffic, version) -> bool:
    newest = list(traffic.answered.values())[-80:]
    return all(served == version for served, _ in newest)
