"""What is used of an answer, what is asked again, and how programs are kept in the search."""

import ast
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_tasks import make_letters
from ollama_server.answers import Recorded
from ollama_server.running import RunningOllama

from runtime.config_sections import SynthesisConfig
from runtime.data_dir import DataDir
from runtime.sandbox import Limits, Sandbox
from workbench.language_model.messages import Message
from workbench.language_model.server import OllamaServer
from workbench.synthesis.by_model.answers import UnusableAnswerError, ask_json, python_in
from workbench.synthesis.by_model.calls import ModelUnavailableError
from workbench.synthesis.by_model.islands import Islands
from workbench.synthesis.by_model.session import model_settings, open_calls
from workbench.synthesis.by_model.trial import Trial, TrialGround
from workbench.synthesis.journal import Journal

PROGRAM = "import re\n\n\ndef run(input_data):\n    return 1\n"
SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
    "required": ["words"],
}


@pytest.mark.parametrize(
    "text",
    [
        PROGRAM,
        f"```python\n{PROGRAM}```",
        f"Sure!\n\n```\n{PROGRAM}```\nIt returns 1.",
        f"```python\n{PROGRAM}",
        f"{PROGRAM}\nI hope that helps you!",
        f"Here you are:\n{PROGRAM}",
        "```python\nimport re\n```\nthen\n```python\ndef run(input_data):\n    return 1\n```",
    ],
)
def test_a_program_is_found_with_or_without_prose_and_fences(text):
    source = python_in(text)
    assert "def run(input_data):\n    return 1" in source and "import re" in source
    ast.parse(source)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I cannot do that.", "not Python"),
        ("```python\ndef main():\n    pass\n```", "defines no function run"),
        ("```python\ndef run(input_data):\n    return (\n```", "line"),
        ("", "no function run"),
    ],
)
def test_what_is_no_program_is_refused_in_words(text, why):
    with pytest.raises(ValueError, match=why):
        python_in(text)


@given(st.text())
def test_any_text_gives_a_program_or_a_reason(text):
    try:
        ast.parse(python_in(text))
    except ValueError as error:
        assert str(error)


@pytest.fixture
def calls_to(tmp_path):
    data_dir = DataDir(tmp_path)
    run = Journal(data_dir).start(make_letters(data_dir), seed=4, settings={}, made_by="test")
    running = []

    def make(**fields):
        server = RunningOllama(**fields).__enter__()
        running.append(server)
        config = SynthesisConfig(max_calls=4)
        ask = OllamaServer(server.url, config).answer
        return server.state, open_calls(model_settings(config, "tiny"), ask, run, seed=4)

    yield make
    for server in running:
        server.__exit__()
    run.close()


def test_an_answer_that_does_not_fit_is_asked_for_again_with_the_reason(calls_to):
    answers = Recorded([("cannot be used", {"words": ["a", "b"]}), ("", {"words": ["a"]})])
    state, calls = calls_to(answerer=answers)
    assert ask_json(calls, "words", "List words.", SCHEMA) == {"words": ["a", "b"]}
    first, second = state.requests
    assert len(first["messages"]) == 1 and len(second["messages"]) == 3
    assert "/words" in second["messages"][-1]["content"]
    assert second["options"]["seed"] != first["options"]["seed"]


def test_three_bad_answers_are_enough(calls_to):
    state, calls = calls_to(behaviour="wrong-schema")
    with pytest.raises(UnusableAnswerError, match="required"):
        ask_json(calls, "words", "List words.", SCHEMA)
    assert len(state.requests) == 3


def test_the_same_question_is_asked_once_and_a_spent_budget_ends_it(calls_to):
    state, calls = calls_to()
    for _ in range(3):
        calls.answer("x", [Message("user", "the same")])
    assert len(state.requests) == 1
    with calls.within(calls.portion(0.5)):
        calls.answer("x", [Message("user", "another")])
        with pytest.raises(ModelUnavailableError, match="share of the budget"):
            calls.answer("x", [Message("user", "a third")])
    for number in range(2):
        calls.answer("x", [Message("user", str(number))])
    with pytest.raises(ModelUnavailableError, match="the budget is spent: 4 calls"):
        calls.answer("x", [Message("user", "one more")])


def trial(source, *right):
    return Trial(source, right, (), whole=True)


def test_islands_keep_the_shorter_of_two_that_score_alike():
    islands = Islands(2, random.Random(0))
    assert islands.add(0, trial("long program", True, False))
    assert islands.add(0, trial("short", True, False))
    assert not islands.add(0, trial("long again", True, False))
    assert islands.add(1, trial("other", False, True))
    assert [each.source for each in islands.everyone()] == ["short", "other"]
    best = islands.best()
    assert best.source == "short" and islands.mate(best).source == "other"


def test_a_program_that_never_ends_or_does_badly_is_given_up_early(tmp_path):
    task = make_letters(DataDir(tmp_path))
    examples = task.examples * 5
    with Sandbox(limits=Limits(timeout_ms=200), workers=2) as sandbox:
        ground = TrialGround(task, examples, sandbox, 0)
        stuck = ground.try_out("def run(input_data):\n    while True:\n        pass\n")
        assert not stuck.whole and len(stuck.right) == 2
        poor = ground.try_out("def run(input_data):\n    return []\n", at_least=0.5)
        assert not poor.whole and len(poor.right) == 16
        refused = ground.try_out("import os\ndef run(input_data):\n    return os\n")
        assert refused.refusals and not refused.right
        failing = ground.try_out("def run(input_data):\n    return input_data['x']\n")
        assert failing.raises and "KeyError" in str(failing.failures[0].error)
