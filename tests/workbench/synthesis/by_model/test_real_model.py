"""A real small model behind the same API: poor as it is, it changes nothing for the worse."""

import pytest
from model_tasks import make_mood, program
from ollama_server.running import RunningOllama
from ollama_server.small_model import SmallModel, why_not

from runtime.config_sections import SynthesisConfig
from runtime.data_dir import DataDir
from runtime.tasks import load_task
from workbench.language_model.messages import Message, ModelRequest
from workbench.language_model.server import OllamaServer
from workbench.synthesis.by_model.answers import ask_list
from workbench.synthesis.by_model.session import model_settings, open_calls
from workbench.synthesis.journal import Journal
from workbench.synthesis.runs import Plan, begin, replay

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.timeout(840),
    pytest.mark.skipif(why_not() is not None, reason=f"no real model here: {why_not()}"),
]
CONFIG = SynthesisConfig(max_calls=16, max_tokens=6_000, answer_tokens=150)


@pytest.fixture(scope="module")
def ollama():
    model = SmallModel()
    with RunningOllama(answerer=model) as running:
        yield running
    model.close()


def test_it_answers_and_streams(ollama):
    heard = []
    request = ModelRequest("tiny", (Message("user", "Name a colour."),), max_tokens=20)
    answer = OllamaServer(ollama.url, CONFIG).answer(request, heard.append)
    assert answer.text and len(heard) > 1 and answer.answer_tokens <= 20


def test_it_keeps_to_a_schema(ollama, tmp_path):
    data_dir = DataDir(tmp_path)
    run = Journal(data_dir).start(make_mood(data_dir), seed=0, settings={}, made_by="test")
    ask = OllamaServer(ollama.url, CONFIG).answer
    calls = open_calls(model_settings(CONFIG, "tiny"), ask, run, seed=0)
    prompt = 'List three words of praise as JSON: {"words": ["...", "..."]}'
    assert ask_list(calls, "words", prompt, "words", 6)
    run.close()


def test_the_result_is_at_least_the_one_without_it(ollama, tmp_path):
    data_dir = DataDir(tmp_path)
    task = make_mood(data_dir)
    before = begin(data_dir, Plan(task, 0, ("rule",)), lambda who, what: None)
    settings = model_settings(CONFIG, "tiny", [{"text": "what a lovely stay"}])
    plan = Plan(load_task(data_dir, "mood"), 0, ("rule",), settings)
    ask = OllamaServer(ollama.url, CONFIG).answer
    made = begin(data_dir, plan, lambda who, what: None, ask=ask)
    assert made.spent.calls > 3
    assert made.outcome.chosen.accuracy >= before.outcome.chosen.accuracy
    if made.outcome.chosen.candidate.helped_by is None:
        assert program(data_dir, "mood", made.version) == program(data_dir, "mood", before.version)
    again = replay(data_dir, made.run, lambda who, what: None)
    assert again.same_program and again.same_attempts
