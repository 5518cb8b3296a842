"""A good model makes the result better; a poor or hostile one leaves it as it is without one."""

import pytest
from model_tasks import BAD_WORDS, GOOD_WORDS, MOOD_ANSWERS, Memoriser, make_mood, program
from ollama_server.answers import Recorded
from ollama_server.running import RunningOllama

from runtime.config_sections import SynthesisConfig
from runtime.data_dir import DataDir
from runtime.sandbox import Sandbox
from runtime.tasks import load_task
from workbench.language_model.server import OllamaServer
from workbench.synthesis.by_model.session import model_settings
from workbench.synthesis.journal import Journal
from workbench.synthesis.runs import Plan, begin, replay

CONFIG = SynthesisConfig(first_token_timeout_sec=0.5, token_timeout_sec=0.3, answer_timeout_sec=2)
# Signs that say nothing, in the shape that is asked for.
NOISE = [
    ("words.*output is", {"words": ["the", "room", "and", "food", "of"]}),
    ("regular expressions", {"patterns": ["o", "e.*a", "(a+)+$", "th"]}),
    ("Python expression", {"conditions": ["len(text) % 2 == 0", "len(text) % 3 == 1"]}),
    ("short Python", "```python\ndef sign(x):\n    return hash(x['text']) % 2 == 0\n```"),
    ("Which|Read|Decide on", {"answer": "good"}),
]


def quiet(who, what):
    pass


@pytest.fixture
def folder(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    make_mood(data_dir)
    return data_dir


def plan(folder, with_model=True, strategy="rule"):
    settings = model_settings(CONFIG, "tiny") if with_model else None
    return Plan(load_task(folder, "mood"), 0, (strategy,), settings)


def begin_with(folder, url, strategy="rule"):
    ask = OllamaServer(url, CONFIG).answer
    return begin(folder, plan(folder, strategy=strategy), quiet, ask=ask)


@pytest.mark.thorough
def test_words_by_a_model_lift_what_examples_alone_cannot_teach(folder):
    with RunningOllama(answerer=Recorded(MOOD_ANSWERS)) as ollama:
        made = begin_with(folder, ollama.url)
    chosen = made.outcome.chosen
    alone = [item for item in made.outcome.ranked if item.candidate.helped_by is None]
    assert chosen.candidate.helped_by == "tiny"
    assert chosen.accuracy == 1.0 > alone[0].accuracy + 0.2
    assert [item.candidate.strategy for item in alone] == ["rule"]
    source = program(folder, "mood", made.version)
    assert "unclosed" not in source and "import os" not in source and "open(" not in source
    with Sandbox() as sandbox:
        loaded = sandbox.load(source.split('if __name__ == "__main__"')[0])
        unseen = [{"text": f"how {word} it was"} for word in (GOOD_WORDS[0], BAD_WORDS[1])]
        assert [result.output for result in sandbox.run(loaded, unseen)] == ["good", "bad"]
    again = replay(folder, made.run, quiet)
    assert again.same_program and again.same_attempts


@pytest.mark.parametrize("strategy", [pytest.param("hybrid", marks=pytest.mark.thorough), "dsl"])
def test_a_strategy_that_is_named_is_given_the_words_too(folder, strategy):
    with RunningOllama(answerer=Recorded(MOOD_ANSWERS)) as ollama:
        chosen = begin_with(folder, ollama.url, strategy).outcome.chosen
    assert (chosen.candidate.strategy, chosen.candidate.helped_by) == (strategy, "tiny")
    assert chosen.accuracy == 1.0


@pytest.mark.parametrize(
    "behaviour",
    ["wrong-schema", "garbage", "failing"],
)
def test_a_bad_model_changes_nothing(folder, behaviour):
    without = begin(folder, plan(folder, with_model=False), quiet)
    with RunningOllama(answerer=Recorded(NOISE), behaviour=behaviour) as ollama:
        made = begin_with(folder, ollama.url)
    assert program(folder, "mood", made.version) == program(folder, "mood", without.version)
    assert made.outcome.chosen.report["accuracy"] == without.outcome.chosen.report["accuracy"]
    calls = Journal(folder).calls(made.run)
    assert calls
    if behaviour == "failing":
        assert len(calls) == 3, "a server that fails three times in a row is left alone"
        assert all("failed 3 times in a row" in why for why in made.outcome.skipped.values())


@pytest.mark.thorough  # seconds are spent here, which a busy machine takes
def test_a_slow_model_is_asked_by_every_search_before_the_time_is_spent(folder):
    slow = CONFIG.model_copy(update={"max_seconds": 8.0, "answer_timeout_sec": 60.0})
    settings = model_settings(slow, "tiny")
    with RunningOllama(answerer=Recorded(NOISE), pause=0.05) as ollama:
        ask = OllamaServer(ollama.url, slow).answer
        made = begin(
            folder, Plan(load_task(folder, "mood"), 0, ("rule",), settings), quiet, ask=ask
        )
    stages = {call["stage"] for call in Journal(folder).calls(made.run)}
    assert {"words", "label", "understand"} <= stages


@pytest.mark.parametrize("answerer", [Recorded(NOISE), Memoriser()], ids=["noise", "memoriser"])
def test_signs_and_programs_made_to_mislead_never_make_it_worse(folder, answerer):
    without = begin(folder, plan(folder, with_model=False), quiet)
    with RunningOllama(answerer=answerer) as ollama:
        made = begin_with(folder, ollama.url)
    chosen, before = made.outcome.chosen, without.outcome.chosen
    assert chosen.accuracy >= before.accuracy
    if chosen.accuracy == before.accuracy:
        assert program(folder, "mood", made.version) == program(folder, "mood", without.version)
