"""The journal lives through older releases, two runs at once, and runs that end badly."""

import sqlite3

import pytest
from support import make_task

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from runtime.models import Example
from workbench.synthesis.journal import Journal, ended


@pytest.fixture
def folder(tmp_path):
    return DataDir(tmp_path)


@pytest.fixture
def task(folder):
    examples = [Example(input={"text": "buy"}, output="spam")]
    return make_task(folder, examples=examples)


def start(folder, task):
    return Journal(folder).start(task, seed=3, settings={"a": 1}, made_by="test")


def test_an_empty_journal_has_no_runs_and_makes_no_file(folder):
    assert Journal(folder).runs() == []
    assert not folder.state.exists()
    with pytest.raises(NotFoundError, match="no run 1"):
        Journal(folder).run(1)


def test_a_run_keeps_its_task_its_calls_and_its_attempts(folder, task):
    run = start(folder, task)
    run.add_call(1, stage="code", answer="x", digest="d")
    run.add_attempt(stage="code", source="y", score=0.5)
    run.add_attempt(stage="repair", source="z", score=1.0)
    run.close()
    journal = Journal(folder)
    assert journal.specification(run.number).examples == task.examples
    assert [call["answer"] for call in journal.calls(run.number)] == ["x"]
    assert [attempt["source"] for attempt in journal.attempts(run.number)] == ["y", "z"]
    assert journal.run(run.number)["settings"] == {"a": 1}


def test_a_run_is_running_while_it_is_held_and_interrupted_after(folder, task):
    run = start(folder, task)
    assert Journal(folder).run(1)["state"] == "running"
    with pytest.raises(LoopaiError, match="still going on"):
        Journal(folder).reopen(1)
    run.close()
    assert Journal(folder).run(1)["state"] == "interrupted"
    again = Journal(folder).reopen(1)
    again.add_attempt(stage="code", source="y")
    again.close()
    assert [attempt["number"] for attempt in Journal(folder).attempts(1)] == [1]


def test_a_run_that_fails_says_why(folder, task):
    run = start(folder, task)
    with pytest.raises(InvalidInputError), ended(run):
        raise InvalidInputError("nothing to learn.")
    row = Journal(folder).run(1)
    assert (row["state"], row["explanation"]) == ("failed", "nothing to learn.")


def test_runs_of_an_older_release_are_finished_and_get_the_new_columns(folder, task):
    folder.state.mkdir(parents=True)
    with sqlite3.connect(folder.state / "synthesis.db") as old:
        old.execute("create table runs (id integer primary key, task text, version integer)")
        old.execute("insert into runs values (1, 'spam-detection', 4)")
    old.close()
    assert Journal(folder).run(1)["state"] == "finished"
    run = start(folder, task)
    run.close()
    assert run.number == 2
    with pytest.raises(NotFoundError, match="did not keep its task"):
        Journal(folder).specification(1)


def test_two_runs_write_at_the_same_time(folder, task):
    first, second = start(folder, task), start(folder, task)
    for number in range(1, 4):
        first.add_call(number, stage="a")
        second.add_call(number, stage="b")
    journal = Journal(folder)
    assert {call["stage"] for call in journal.calls(first.number)} == {"a"}
    assert len(journal.calls(second.number)) == 3
    first.close()
    second.close()
