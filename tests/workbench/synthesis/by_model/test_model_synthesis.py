"""`loopai synthesize --model`, as a person runs it, against a real server over HTTP."""

import json
import signal
import subprocess

import pytest
from model_tasks import (
    LETTERS_ANSWERS,
    command,
    configure,
    environment,
    loopai,
    make_letters,
    program,
)
from ollama_server.answers import Recorded
from ollama_server.running import RunningOllama
from support import wait_until

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from workbench.language_model.server import OllamaServer
from workbench.synthesis.journal import Journal
from workbench.synthesis.runs import begin, planned, replay

SYNTHESIZE = ("synthesize", "letters", "--model", "tiny", "--strategy", "rule")


@pytest.fixture
def folder(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    make_letters(data_dir)
    return data_dir


@pytest.fixture
def ollama():
    with RunningOllama(answerer=Recorded(LETTERS_ANSWERS)) as running:
        yield running


def test_a_model_writes_repairs_and_shortens_a_program_and_the_run_can_be_replayed(folder, ollama):
    made = json.loads(loopai(folder, ollama.url, *SYNTHESIZE, "--json").stdout)
    assert made["evaluation"]["accuracy"] == 1.0
    assert made["candidates"][0]["label"] == "written by tiny"
    assert 0 < made["model"]["calls"] == len(ollama.state.requests)
    assert "letter in" in program(folder, "letters", 1)
    metadata = json.loads((folder.artifact("letters", 1) / "metadata.json").read_text())
    assert metadata["artifact"]["llm_model"] == "tiny"

    shown = json.loads(loopai(folder, ollama.url, "runs", "show", "1", "--json").stdout)
    stages = [attempt["stage"] for attempt in shown["attempts"]]
    assert {"code", "repair", "simplify"} <= set(stages)
    call = shown["calls_made"][0]
    assert call["stage"] == "understand" and call["request"]["seed"] == 0
    assert call["answer_tokens"] > 0 and call["seconds"] > 0

    asked = len(ollama.state.requests)
    text = loopai(folder, ollama.url, "synthesize", "letters", "--replay", "1").stdout
    assert "the same to the byte" in text
    assert len(ollama.state.requests) == asked
    listed = loopai(folder, ollama.url, "runs", "list").stdout
    assert "finished" in listed and "tiny" in listed


def test_a_run_killed_in_the_middle_can_be_read_and_resumed(folder, ollama):
    ollama.state.pause = 0.02
    with subprocess.Popen(
        command(*SYNTHESIZE),
        env=environment(folder, ollama.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until(lambda: len(ollama.state.requests) >= 4, seconds=60)
        process.kill()
        process.communicate()
    calls = Journal(folder).calls(1)
    assert len(calls) >= 3 and all(call["answer"] for call in calls)
    assert Journal(folder).run(1)["state"] == "interrupted"
    with pytest.raises(InvalidInputError, match="--resume 1"):
        replay(folder, 1, lambda who, what: None)

    ollama.state.pause = 0.0
    before = len(ollama.state.requests)
    resumed = json.loads(
        loopai(folder, ollama.url, "synthesize", "letters", "--resume", "1", "--json").stdout
    )
    assert resumed["version"] == 1 and resumed["evaluation"]["accuracy"] == 1.0
    again = begin(
        folder,
        planned(Journal(folder), 1),
        lambda who, what: None,
        ask=OllamaServer(ollama.url).answer,
    )
    assert len(ollama.state.requests) - before == 2 * again.spent.calls - len(calls)
    compared = json.loads(loopai(folder, ollama.url, "runs", "compare", "1", "2", "--json").stdout)
    assert compared["same"] == {"task": True, "program": True}


def test_a_run_that_its_server_failed_is_resumed_when_the_server_is_back(folder, ollama):
    ollama.state.behaviour = "failing"
    failed = loopai(folder, ollama.url, *SYNTHESIZE, code=2)
    assert "written by the model: it failed 3 times in a row" in failed.stderr
    assert (
        "Neither run made a program"
        in loopai(folder, ollama.url, "runs", "compare", "1", "1").stdout
    )
    (row,) = json.loads(loopai(folder, ollama.url, "runs", "list", "--json").stdout)
    assert (row["state"], row["calls"], row["tokens"]) == ("failed", 3, 0)

    ollama.state.behaviour = "good"
    resumed = loopai(folder, ollama.url, "synthesize", "letters", "--resume", "1", "--json")
    assert json.loads(resumed.stdout)["evaluation"]["accuracy"] == 1.0
    text = loopai(folder, ollama.url, "synthesize", "letters", "--replay", "1").stdout
    assert "the same to the byte" in text


def test_an_interrupt_stops_the_model_at_once_and_says_how_to_go_on(folder, ollama):
    ollama.state.behaviour, ollama.state.pause = "endless", 0.02
    with subprocess.Popen(
        command(*SYNTHESIZE),
        env=environment(folder, ollama.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: ollama.state.requests, seconds=60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "--resume 1" in errors and "Traceback" not in errors
    wait_until(ollama.state.cancelled.is_set)


def test_a_model_named_on_the_command_line_must_be_there(folder, ollama):
    arguments = ("synthesize", "letters", "--model", "huge")
    assert "loopai models pull huge" in loopai(folder, ollama.url, *arguments, code=2).stderr
    text = loopai(folder, "127.0.0.1:9", *arguments, code=2).stderr
    assert "ollama serve" in text and "go on without a model" in text


def test_without_a_model_that_is_only_configured_it_goes_on_and_says_so(folder):
    configure(folder, model="tiny")
    done = loopai(folder, "127.0.0.1:9", "synthesize", "letters", "--strategy", "rule", code=2)
    assert "note: no model server answers" in done.stderr
    assert "no strategy has a program" in done.stderr


def test_a_budget_ends_the_questions(folder, ollama):
    configure(folder, model="tiny", max_calls=3)
    loopai(folder, ollama.url, "synthesize", "letters", "--strategy", "rule", code=2)
    assert 1 <= len(ollama.state.requests) <= 3
    run = Journal(folder).run(1)
    assert run["state"] == "failed" and "budget is spent" in run["explanation"]


def test_runs_that_are_not_there_are_said_to_be(folder):
    assert "no run 7" in loopai(folder, "x", "runs", "show", "7", code=2).stderr
    text = loopai(folder, "x", "synthesize", "letters", "--replay", "7", code=2).stderr
    assert "loopai runs list" in text
