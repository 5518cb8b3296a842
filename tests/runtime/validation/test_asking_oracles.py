"""Samples go to their oracles and come back as validations, each once, whatever an oracle does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from support import TASK, add_version, clean_environment, wait_until
from validation_parts import (
    a_sample,
    a_worker,
    fake_ollama,
    queue_samples,
    task_with,
    validations,
    write_labels,
)

from runtime.clock import utc_now
from runtime.commands.status import describe, read_status
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.models import ValidationRecord
from runtime.server.steward_metrics import steward_metrics
from runtime.steward.samples import count_by_state
from runtime.validation import queue
from runtime.validation.oracles import make_oracles
from runtime.validation.standing import read_standing

FILE = {"kind": "file", "file": "labels.jsonl"}


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_a_labelled_file_answers_what_it_knows_and_learns_more_when_it_grows(data_dir):
    task_with(data_dir, FILE)
    write_labels(data_dir, {0: "ham", 1: "spam"})
    worker = a_worker(data_dir)
    with queue_samples(data_dir, [a_sample(number) for number in range(4)]) as state:
        worker.turn(state)
        found = {line["input"]["text"]: line for line in validations(data_dir)}
        assert {text: line["match"] for text, line in found.items()} == {
            "text 0": True,
            "text 1": False,
        }
        line = found["text 1"]
        record = ValidationRecord.model_validate(line)
        assert (record.oracle, record.oracle_output, record.output) == ("file", "spam", "ham")
        assert (record.strategy, record.inclusion_probability) == ("random", 0.25)
        assert (record.program_id, record.comparison_method) == (f"{TASK}/v1", "exact")
        assert record.oracle_latency_ms > 0
        assert worker.turn(state) == 0, "nothing new"
        write_labels(data_dir, {0: "ham", 1: "spam", 2: "ham", 3: "ham"})
        worker.turn(state)
        assert count_by_state(state.connection, TASK)["done"] == 4
    assert len(validations(data_dir)) == 4


def test_an_execution_that_failed_is_wrong_and_the_right_answer_is_kept(data_dir):
    task_with(data_dir, FILE)
    write_labels(data_dir, {7: "spam"})
    failed = a_sample(7, None, status="timeout", confidence=None)
    with queue_samples(data_dir, [failed]) as state:
        a_worker(data_dir).turn(state)
    (line,) = validations(data_dir)
    assert (line["match"], line["similarity_score"], line["oracle_output"]) == (False, 0, "spam")


def test_a_reference_program_is_run_in_the_sandbox(data_dir):
    task = task_with(data_dir, {"kind": "program", "file": "right.py"})
    data_dir.task(TASK).joinpath("right.py").write_text(
        'def run(input_data):\n    return "spam" if "1" in input_data["text"] else "ham"\n'
    )
    version = add_version(data_dir, task)
    worker = a_worker(data_dir)
    with queue_samples(data_dir, [a_sample(0), a_sample(1)]) as state:
        worker.turn(state)
        assert [line["match"] for line in validations(data_dir)] == [True, False]
        task_with(data_dir, {"kind": "program", "version": version})
        queue_samples(data_dir, [a_sample(2)]).close()
        os.utime(data_dir.task_file(TASK), ns=(1, 1))
        worker.turn(state)
    assert len(validations(data_dir)) == 3
    worker.close()


def test_a_model_answers_by_the_schema_at_a_cost_and_never_sees_what_was_answered(data_dir):
    task_with(data_dir, {"kind": "ollama", "model": "tiny"})
    with (
        fake_ollama() as server,
        queue_samples(data_dir, [a_sample(0)]) as state,
    ):
        a_worker(data_dir, server.url).turn(state)
        (asked,) = server.requests
    assert asked["model"] == "tiny" and asked["options"]["temperature"] == 0
    assert asked["format"]["properties"]["output"] == {"enum": ["spam", "ham"]}
    assert '"ham"' not in asked["messages"][-1]["content"]
    (line,) = validations(data_dir)
    assert (line["oracle"], line["oracle_cost"], line["match"]) == ("ollama", 0.01, False)


def test_an_answer_against_the_schema_is_none_and_the_next_oracle_is_asked(data_dir):
    task_with(data_dir, {"kind": "ollama"}, FILE)
    write_labels(data_dir, {0: "ham"})
    with (
        fake_ollama(reply=lambda text: {"output": "eggs"}) as server,
        queue_samples(data_dir, [a_sample(0)]) as state,
    ):
        worker = a_worker(data_dir, server.url)
        turned = no_waiting(worker, state)
        wait_until(lambda: turned() or validations(data_dir))
        assert len(server.requests) == 3
    assert validations(data_dir)[0]["oracle"] == "file"


def no_waiting(worker, state):
    """Turns of a worker whose oracles need not wait before they are asked again."""

    def turn():
        for task in worker._tasks.values():
            for seat in task.questioner._seats:
                seat.again_at = 0.0
        worker.turn(state)

    return turn


def test_a_server_that_is_away_loses_nothing_and_uses_up_no_try(data_dir):
    task_with(data_dir, {"kind": "ollama"})
    with queue_samples(data_dir, [a_sample(0)]) as state:
        worker = a_worker(data_dir, "http://127.0.0.1:9")
        turned = no_waiting(worker, state)
        for _ in range(10):
            turned()
        assert queue.to_ask(state.connection, TASK, 1)[0][1] == 0
        assert "does not answer" in worker.problems()[TASK][0]
        with fake_ollama(reply=lambda text: {"output": "ham"}) as server:
            worker = a_worker(data_dir, server.url)
            worker.turn(state)
    assert validations(data_dir)[0]["match"]


def test_an_oracle_that_hangs_is_given_up_on_and_asked_nothing_meanwhile(data_dir):
    task_with(data_dir, {"kind": "ollama"})
    with (
        fake_ollama() as server,
        queue_samples(data_dir, [a_sample(n) for n in range(3)]) as state,
    ):
        server.hang.clear()
        worker = a_worker(data_dir, server.url, timeout_sec=0.2)
        turned = no_waiting(worker, state)
        started = time.monotonic()
        for _ in range(3):
            turned()
        assert time.monotonic() - started < 3
        assert validations(data_dir) == []
        server.hang.set()
        wait_until(lambda: turned() or len(validations(data_dir)) == 3)


def test_the_daily_budget_ends_the_questions_and_not_the_free_ones(data_dir):
    task_with(data_dir, {"kind": "ollama"})
    with (
        fake_ollama() as server,
        queue_samples(data_dir, [a_sample(n) for n in range(9)]) as state,
    ):
        a_worker(data_dir, server.url, calls_per_day=4).turn(state)
        assert len(server.requests) == len(validations(data_dir)) == 4
        a_worker(data_dir, server.url, cost_per_day=0.06).turn(state)
        assert len(server.requests) == 6
        (day,) = queue.spending(state.connection, TASK, 1, validated_at(data_dir))
        assert (day["calls"], round(day["cost"], 6), day["failures"]) == (6, 0.06, 0)
        task_with(data_dir, FILE)
        write_labels(data_dir, dict.fromkeys(range(9), "ham"))
        a_worker(data_dir, calls_per_day=0).turn(state)
    assert len(validations(data_dir)) == 9


def validated_at(data_dir):
    return datetime.fromisoformat(validations(data_dir)[0]["validated_at"])


def test_the_queue_has_a_bound(data_dir):
    task_with(data_dir, {"kind": "person"})
    with queue_samples(data_dir, [a_sample(n) for n in range(50)]) as state:
        a_worker(data_dir, max_waiting=10).turn(state)
        assert count_by_state(state.connection, TASK) == {"waiting": 10, "done": 0, "skipped": 40}


@pytest.mark.parametrize(
    ("oracle", "says"),
    [
        ({"kind": "prophet"}, "no oracle 'prophet'"),
        ({"kind": "file"}, "names no file"),
        ({"kind": "program"}, "needs a version"),
    ],
)
def test_an_oracle_that_is_not_told_what_it_needs_says_so(data_dir, oracle, says):
    task = task_with(data_dir, oracle)
    with pytest.raises(InvalidInputError, match=says):
        make_oracles(data_dir, DeploymentConfig(), task)
    with queue_samples(data_dir, [a_sample(0)]) as state:
        worker = a_worker(data_dir)
        worker.turn(state)
    assert says in worker.problems()[TASK][0]


WORKING = """
import sys
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.steward.state import open_state
from runtime.validation import queue, worker
worker.SAMPLES_A_TURN = 5
data_dir = DataDir(sys.argv[1])
work = worker.ValidationWorker(data_dir, DeploymentConfig())
with open_state(data_dir, queue.TABLES) as state:
    print("ready", flush=True)
    while work.turn(state):
        pass
"""


def test_validations_are_written_once_however_often_the_worker_is_killed(data_dir):
    count = 120
    task_with(data_dir, FILE)
    write_labels(data_dir, dict.fromkeys(range(count), "ham"))
    queue_samples(data_dir, [a_sample(n) for n in range(count)]).close()
    root = Path(__file__).parents[3]
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05, None):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKING, str(data_dir.root)],
            stdout=subprocess.PIPE,
            cwd=root,
            env=clean_environment(),
        )
        assert process.stdout is not None
        process.stdout.readline()
        if delay is not None:
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        process.wait(60)
        process.stdout.close()
    names = [line["execution_id"] for line in validations(data_dir)]
    assert len(names) == len(set(names)) == count


def test_what_was_written_by_one_who_died_before_noting_it_is_not_written_again(data_dir):
    task_with(data_dir, FILE)
    write_labels(data_dir, {0: "ham", 1: "ham"})
    with queue_samples(data_dir, [a_sample(0), a_sample(1)]) as state:
        worker = a_worker(data_dir)
        worker.turn(state)
        with state.transaction() as connection:  # as it is between the line and its note
            connection.execute("UPDATE samples SET state = 'waiting', settled_at = NULL")
            for number in (0, 1):
                queue.note_tries(connection, a_sample(number), 0, "writing")
        worker.turn(state)
        assert count_by_state(state.connection, TASK)["done"] == 2
        with state.transaction() as connection:  # as a power cut leaves it: no note at all
            connection.execute("UPDATE samples SET state = 'waiting', settled_at = NULL")
        a_worker(data_dir).turn(state)
        assert count_by_state(state.connection, TASK)["done"] == 2
    assert len(validations(data_dir)) == 2


def test_what_is_wrong_with_an_oracle_is_seen_in_status_and_metrics(data_dir):
    task_with(data_dir, {"kind": "ollama"})
    queue_samples(data_dir, [a_sample(n) for n in range(3)]).close()
    worker = a_worker(data_dir, "http://127.0.0.1:9")
    worker.start()
    wait_until(lambda: read_standing(data_dir).get(TASK, {}).get("problems"))
    worker.close()
    text = steward_metrics(data_dir).decode()
    assert f'loopai_validation_waiting{{task="{TASK}"}} 3.0' in text
    assert f'loopai_validation_problems{{task="{TASK}"}} 1.0' in text
    assert f'loopai_oracle_failures_today{{oracle="ollama",task="{TASK}"}} 1.0' in text
    assert any(
        "Ollama at http://127.0.0.1:9" in line
        for line in describe(read_status(data_dir, utc_now()))
    )


PLUGIN = """
from runtime.validation.comparison import Comparison
from runtime.validation.oracle import OracleAnswer

class Shouting:
    metered = False
    def __init__(self, context):
        self.word = context.choice.options["word"]
    def answer(self, sample):
        return OracleAnswer(self.word)
    def news(self):
        return None
    def close(self):
        pass

class Anything:
    def compare(self, expected, got, rule, schema):
        return Comparison(True, 0.5, "anything")
"""


def test_oracles_and_comparators_of_ones_own_come_through_entry_points(
    data_dir, tmp_path, monkeypatch
):
    package = tmp_path / "plugin"
    (package / "shouting-1.0.dist-info").mkdir(parents=True)
    (package / "shouting.py").write_text(PLUGIN)
    (package / "shouting-1.0.dist-info" / "METADATA").write_text("Name: shouting\nVersion: 1.0\n")
    (package / "shouting-1.0.dist-info" / "entry_points.txt").write_text(
        "[loopai.oracles]\nshouting = shouting:Shouting\nbroken = shouting:Nothing\n"
        "[loopai.comparators]\nanything = shouting:Anything\n"
    )
    monkeypatch.syspath_prepend(str(package))
    task_with(data_dir, {"kind": "shouting", "options": {"word": "spam"}}, comparison="anything")
    with queue_samples(data_dir, [a_sample(0)]) as state:
        a_worker(data_dir).turn(state)
        (line,) = validations(data_dir)
        assert (line["oracle"], line["oracle_output"]) == ("shouting", "spam")
        assert (line["match"], line["comparison_method"]) == (True, "anything")
        task_with(data_dir, {"kind": "broken"})
        queue_samples(data_dir, [a_sample(1)]).close()
        worker = a_worker(data_dir)
        worker.turn(state)
        assert "shouting:Nothing cannot be loaded" in worker.problems()[TASK][0]


def test_an_execution_that_cannot_be_written_down_holds_nothing_up(data_dir):
    task_with(data_dir, FILE)
    write_labels(data_dir, {0: "ham", 1: "ham"})
    strange = a_sample(0, execution_id="from-elsewhere")
    with queue_samples(data_dir, [strange, a_sample(1)]) as state:
        a_worker(data_dir).turn(state)
        assert count_by_state(state.connection, TASK) == {"waiting": 0, "done": 1, "skipped": 1}
    assert len(validations(data_dir)) == 1
