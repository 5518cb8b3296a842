"""With few examples a model labels inputs and makes others up, where it has shown that it can."""

import json

import pytest
from model_tasks import BAD_WORDS, GOOD_WORDS, make_mood
from ollama_server.answers import Question, Recorded, pieces
from ollama_server.running import RunningOllama

from runtime.config_sections import SynthesisConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.tasks import load_task
from workbench.language_model.server import OllamaServer
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.by_model.labeller import Labeller, binomial_tail
from workbench.synthesis.by_model.made_examples import read_unlabelled, write_made_examples
from workbench.synthesis.by_model.more_examples import WithMoreExamples
from workbench.synthesis.by_model.session import model_settings, open_calls
from workbench.synthesis.by_model.shares import Purse
from workbench.synthesis.journal import Journal
from workbench.synthesis.runs import Plan, begin
from workbench.synthesis.strategy import Candidate, NotApplicableError

CONFIG = SynthesisConfig()
UNLABELLED = [{"text": f"{word} it was"} for word in (GOOD_WORDS[0], BAD_WORDS[0], "the")]


class Knowing:
    """Labels by the words it knows, says "not sure" of others, and makes up what it is asked."""

    def say(self, question: Question):
        given = question.prompt.rpartition("Input:")[2]
        if "Make up" in question.prompt:
            words = GOOD_WORDS if 'output is "good"' in question.prompt else BAD_WORDS
            style = "short" in question.prompt
            texts = [f"so {words[place + 2 * style]} today" for place in range(2)]
            yield from pieces(json.dumps({"inputs": [{"text": text} for text in [*texts, ""]]}))
            return
        good = any(word in given for word in GOOD_WORDS)
        bad = any(word in given for word in BAD_WORDS)
        answer = "good" if good else "bad" if bad else "not sure"
        yield from pieces(json.dumps({"answer": answer}))


class Remembering:
    """An embedded strategy that keeps what it was given to learn from."""

    name = "rule"

    def propose(self, task, train, *, seed, progress=None):
        self.train = train
        yield Candidate("rule", "r", "def run(input_data):\n    return 'good'\n")


@pytest.fixture
def folder(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    make_mood(data_dir)
    return data_dir


@pytest.fixture
def calls_to(folder):
    """Makes the calls of a run to a server of this answerer."""
    servers = []
    task = load_task(folder, "mood")
    run = Journal(folder).start(task, seed=0, settings={}, made_by="test", model="tiny")

    def make(answerer) -> ModelCalls:
        server = RunningOllama(answerer=answerer).__enter__()
        servers.append(server)
        ask = OllamaServer(server.url, CONFIG).answer
        return open_calls(model_settings(CONFIG, "tiny"), ask, run, seed=0)

    yield make
    for server in servers:
        server.__exit__()
    run.close()


def helped(folder, calls, inputs):
    task = load_task(folder, "mood")
    inner = Remembering()
    strategy = WithMoreExamples(inner, calls, inputs, task.examples, Purse(calls, 0))
    return task, inner, strategy


def test_a_model_that_knows_labels_inputs_and_makes_examples_up(folder, calls_to):
    task, inner, strategy = helped(folder, calls_to(Knowing()), UNLABELLED)
    train, held_out = task.examples[:12], task.examples[12:]
    (candidate,) = strategy.propose(task, train, seed=0)
    assert candidate.helped_by == "tiny"
    more = inner.train[len(train) :]
    assert inner.train[: len(train)] == list(train)
    labelled = [(each.input["text"], each.output) for each in more[:2]]
    assert labelled == [(f"{GOOD_WORDS[0]} it was", "good"), (f"{BAD_WORDS[0]} it was", "bad")]
    made_up = {each.input["text"]: each.output for each in more[2:]}
    assert made_up[f"so {GOOD_WORDS[0]} today"] == "good"
    assert "" not in made_up, "what does not fit the schema is left out"
    assert not {json.dumps(e.input) for e in more} & {json.dumps(e.input) for e in held_out}


def test_what_a_model_made_is_written_apart_and_marked(folder, calls_to):
    task, _, strategy = helped(folder, calls_to(Knowing()), UNLABELLED)
    list(strategy.propose(task, task.examples, seed=0))
    before = folder.examples_file("mood").read_bytes()
    write_made_examples(folder, "mood", strategy.made, "tiny", 1)
    for file, provenance in (
        ("labelled.jsonl", "labelled by a model"),
        ("synthetic.jsonl", "synthetic"),
    ):
        lines = (folder.task("mood") / file).read_text().splitlines()
        assert lines
        assert {json.loads(line)["provenance"] for line in lines} == {provenance}
    assert folder.examples_file("mood").read_bytes() == before


def test_labels_that_spend_the_budget_in_the_first_fold_serve_the_others_too(folder):
    inputs = [{"text": f"{word} {n} it was"} for n in range(4) for word in GOOD_WORDS + BAD_WORDS]
    settings = model_settings(CONFIG.model_copy(update={"max_calls": 200}), "tiny", inputs)
    with RunningOllama(answerer=Knowing()) as ollama:
        ask = OllamaServer(ollama.url, CONFIG).answer
        plan = Plan(load_task(folder, "mood"), 0, ("rule",), settings)
        made = begin(folder, plan, lambda who, what: None, ask=ask)
    labels = [item.candidate.label for item in made.outcome.ranked]
    assert any("labelled and 0 made-up examples by tiny" in label for label in labels)
    assert (folder.task("mood") / "labelled.jsonl").is_file()


@pytest.mark.parametrize(
    ("answer", "why"),
    [("good", "not used as labeller"), ("not sure", "to none of the 16 known")],
)
def test_a_labeller_no_better_than_the_commonest_output_is_not_used(folder, calls_to, answer, why):
    calls = calls_to(Recorded([("", {"answer": answer})]))
    task, _, strategy = helped(folder, calls, UNLABELLED)
    with pytest.raises(NotApplicableError, match=why):
        list(strategy.propose(task, task.examples, seed=0))


def test_a_labeller_that_answers_the_form_of_the_question_abstains(folder, calls_to):
    """The first option named, whichever it is: wordings that turn the options disagree."""

    class First:
        def say(self, question: Question):
            yield from pieces(json.dumps({"answer": question.schema_options()[0]}))

    labeller = Labeller(calls_to(First()), load_task(folder, "mood"), ["good", "bad"])
    assert labeller.label({"text": "x"}) is None


def test_inputs_are_read_plain_or_wrapped_and_bad_ones_named(folder):
    task = load_task(folder, "mood")
    file = folder.task("mood") / "inputs.jsonl"
    assert read_unlabelled(folder, task) == []
    file.write_text('{"text": "a"}\n\n{"input": {"text": "b"}}\n')
    assert read_unlabelled(folder, task) == [{"text": "a"}, {"text": "b"}]
    file.write_text('{"text": "a"}\n{"text": 3}\nnot json\n')
    with pytest.raises(InvalidInputError) as error:
        read_unlabelled(folder, task)
    assert [problem.line for problem in error.value.problems] == [2, 3]


def test_chance_is_that_of_the_binomial_distribution():
    assert binomial_tail(4, 4, 0.5) == 1 / 16
    assert binomial_tail(4, 0, 0.5) == 1
