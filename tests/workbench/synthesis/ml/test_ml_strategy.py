"""The strategy `ml` through its front door: what it proposes, explains and declines."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from made_examples import examples_of, orders, task_of, topic_texts

from runtime.sandbox import Sandbox
from runtime.validation.exact import matches
from workbench.synthesis.kinds import input_fields
from workbench.synthesis.ml.classifier import learn_classes
from workbench.synthesis.ml.strategy import MlStrategy
from workbench.synthesis.strategy import NotApplicableError

TEXTS = {"type": "string"}


def propose(schema, examples, seed=0, **task):
    return next(iter(MlStrategy().propose(task_of(schema, **task), examples, seed=seed)))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def share_right(sandbox, candidate, examples):
    results = sandbox.run(sandbox.load(candidate.source), [example.input for example in examples])
    right = [matches(e.output, r.output) for e, r in zip(examples, results, strict=True) if r.ok]
    return sum(right) / len(examples)


@pytest.fixture(scope="module")
def topics_program():
    return propose(TEXTS, examples_of(*topic_texts(90)))


def test_topics_are_told_apart_by_their_words(sandbox, topics_program):
    candidate = topics_program
    assert share_right(sandbox, candidate, examples_of(*topic_texts(120, seed=1))) >= 0.9
    assert len(candidate.source.encode()) < 300_000


def test_the_notes_name_telling_words_and_every_model_tried(topics_program):
    notes = topics_program.notes
    music = next(note for note in notes if note.startswith("For music speak most"))
    assert any(word in music for word in ("violin", "chord", "melody", "concert", "choir"))
    assert sum(note.startswith("Tried ") for note in notes) > 8


def test_confidence_is_honest_on_unseen_examples(sandbox):
    candidate = propose(TEXTS, examples_of(*orders(130)))
    unseen = examples_of(*orders(400, seed=1))
    results = sandbox.run(sandbox.load(candidate.source), [example.input for example in unseen])
    right = [r.output == e.output for e, r in zip(unseen, results, strict=True)]
    mean = sum(result.confidence for result in results) / len(results)
    assert abs(mean - sum(right) / len(right)) < 0.1


def test_booleans_numbers_and_null_come_back_as_they_were_given(sandbox):
    inputs, topics = topic_texts(45)
    values = {"fruit": True, "tools": 3, "music": None}
    examples = examples_of(inputs, [values[topic] for topic in topics])
    candidate = propose({"enum": [True, 3, None]}, examples)
    results = sandbox.run(sandbox.load(candidate.source), inputs)
    assert {repr(result.output) for result in results} == {"True", "3", "None"}


def test_a_label_that_is_an_object_is_answered_as_one(sandbox):
    inputs, topics = topic_texts(60)
    values = {topic: {"queue": topic, "tags": [topic]} for topic in topics}
    candidate = propose(
        {"enum": list(values.values())}, examples_of(inputs, [values[topic] for topic in topics])
    )
    results = sandbox.run(sandbox.load(candidate.source), inputs[:10])
    assert all(result.output in values.values() for result in results)


def test_an_object_of_classes_and_numbers_is_answered_property_by_property(sandbox):
    inputs, topics = topic_texts(60)
    outputs = [
        {"topic": topic, "length": len(data["text"]), "source": "mail"}
        for data, topic in zip(inputs, topics, strict=True)
    ]
    candidate = propose({"type": "object"}, examples_of(inputs, outputs))
    result = sandbox.run(sandbox.load(candidate.source), inputs[:1])[0]
    assert result.output.keys() == {"topic", "length", "source"}
    assert isinstance(result.output["length"], int)
    assert result.output["source"] == "mail"


def test_whole_numbers_stay_whole_and_a_line_is_found(sandbox):
    inputs = [{"pages": n, "colour": n % 3 == 0} for n in range(60)]
    examples = examples_of(inputs, [40 + 3 * n + 25 * (n % 3 == 0) for n in range(60)])
    candidate = propose({"type": "integer"}, examples)
    assert share_right(sandbox, candidate, examples) == 1.0


def test_a_class_with_one_example_does_not_end_the_training(sandbox):
    inputs, topics = topic_texts(60)
    examples = examples_of([*inputs, {"text": "zebra crossing"}], [*topics, "animals"])
    candidate = propose(TEXTS, examples)
    results = sandbox.run(sandbox.load(candidate.source), inputs[:5])
    assert all(result.ok for result in results)


def test_texts_of_nothing_but_signs_are_no_reason_to_fail():
    examples = examples_of([{"text": "\x00\x01"}, {"text": " "}] * 5, ["a", "b"] * 5)
    candidate = propose(TEXTS, examples)
    assert "answer" in candidate.source


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (["yes"] * 12, "nothing to tell apart"),
        ([f"free text number {n}" for n in range(12)], "does not write text"),
        ([[1]] * 12, "a list or of mixed kinds"),
        ([{"a": 1} if n % 2 else {} for n in range(12)], "missing from"),
        ([None, *range(11)], "null"),
    ],
)
def test_what_a_model_cannot_do_is_declined_in_words(outputs, words):
    examples = examples_of([{"text": f"text {n}"} for n in range(12)], outputs)
    schema = {"type": "string"} if isinstance(outputs[0], str) else {}
    if outputs[0] == "yes":
        schema = {"enum": ["yes", "no"]}
    with pytest.raises(NotApplicableError, match=words):
        propose(schema, examples)


def test_inputs_without_any_field_are_declined():
    with pytest.raises(NotApplicableError, match=r"nothing|no text"):
        propose({"enum": ["a", "b"]}, examples_of([{}] * 8, ["a", "b"] * 4))


def test_a_large_vocabulary_is_cut_until_the_program_fits():
    inputs = [{"text": " ".join(f"w{k}" for k in range(n, n + 90))} for n in range(0, 3000, 50)]
    labels = [f"class {n // 15}" for n in range(60)]
    fields = input_fields(task_of(TEXTS), examples_of(inputs, labels))
    classifier = next(learn_classes(inputs, labels, fields, seed=0, max_bytes=9_000))
    assert len(classifier.fragment("answer").source.encode()) <= 9_000


PROGRAM = textwrap.dedent(
    """
    import sys
    from made_examples import examples_of, orders, task_of, topic_texts
    from workbench.synthesis.ml.strategy import MlStrategy
    for inputs, outputs in (topic_texts(24), orders(30)):
        strategy = MlStrategy().propose(
            task_of({"type": "string"}), examples_of(inputs, outputs), seed=3
        )
        sys.stdout.write(next(iter(strategy)).source)
    """
)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_program_to_the_byte():
    def run(hash_seed: str) -> bytes:
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True
        )
        return done.stdout

    assert run("1") == run("2")
