"""The strategy `hybrid` through its front door: rules before a model, formulas, mixed objects."""

from __future__ import annotations

import random

import pytest
from made_examples import FILLER, examples_of, task_of, topic_texts

from runtime.sandbox import Sandbox
from runtime.validation.exact import matches
from workbench.synthesis.hybrid.strategy import HybridStrategy
from workbench.synthesis.strategy import NotApplicableError


def propose(schema, examples):
    return next(iter(HybridStrategy().propose(task_of(schema), examples, seed=0)))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def share_right(sandbox, candidate, examples):
    results = sandbox.run(sandbox.load(candidate.source), [example.input for example in examples])
    right = [matches(e.output, r.output) for e, r in zip(examples, results, strict=True) if r.ok]
    return sum(right) / len(examples)


def complaints(count, seed=0):
    """Half say 'refund', which decides; the rest are about topics that take a model."""
    chance = random.Random(seed)
    inputs, topics = topic_texts(count, seed)
    outputs = []
    for data, topic in zip(inputs, topics, strict=True):
        if chance.random() < 0.5:
            data["text"] += " refund " + chance.choice(FILLER)
            outputs.append("money")
        else:
            outputs.append(topic)
    return inputs, outputs


@pytest.fixture(scope="module")
def complaints_program():
    return propose({"type": "string"}, examples_of(*complaints(120)))


def test_a_rule_that_decides_stands_before_the_model(complaints_program):
    source = complaints_program.source
    assert '"refund" in' in source
    assert source.index('"refund" in') < source.index("def answer_by_model(")
    assert "rule" in complaints_program.label


def test_rules_and_model_together_are_right_on_unseen_examples(sandbox, complaints_program):
    assert share_right(sandbox, complaints_program, examples_of(*complaints(120, seed=1))) >= 0.9


def test_every_answer_has_a_confidence(sandbox, complaints_program):
    inputs = complaints(30, seed=2)[0]
    results = sandbox.run(sandbox.load(complaints_program.source), inputs)
    assert all(0.0 < result.confidence <= 1.0 for result in results)


def test_the_notes_say_what_the_rules_decide_and_how_right_they_are(complaints_program):
    assert "of the examples held out in turn" in complaints_program.notes[0]
    assert "the model alone" in complaints_program.notes[0]


def test_a_formula_comes_before_the_model(sandbox):
    inputs = [{"hours": n % 37, "rate": 20 + n % 11} for n in range(80)]
    examples = examples_of(inputs, [data["hours"] * data["rate"] + 15 for data in inputs])
    candidate = propose({"type": "integer"}, examples)
    assert share_right(sandbox, candidate, examples) == 1.0
    assert "by_formula" in candidate.source


def test_an_object_mixes_texts_by_example_with_classes_by_model(sandbox):
    inputs, topics = topic_texts(48)
    names = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Emmy Noether", "Kurt Gödel"]
    for number, data in enumerate(inputs):
        data["from"] = names[number % 5] if number % 2 else names[number % 5].upper()
    outputs = [
        {"topic": topic, "surname": data["from"].split()[1].title()}
        for data, topic in zip(inputs, topics, strict=True)
    ]
    examples = examples_of(inputs, outputs)
    candidate = propose(
        {"type": "object", "properties": {"topic": {"enum": sorted(set(topics))}}}, examples
    )
    assert share_right(sandbox, candidate, examples) >= 0.9


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([f"number {n}" for n in range(12)], "nothing to train"),
        (["yes"] * 12, "nothing to tell apart"),
        ([(n * 7919) % 1013 for n in range(12)], "no formula"),
    ],
)
def test_what_needs_no_rules_or_no_model_is_declined_in_words(outputs, words):
    schema = {"enum": ["yes", "no"]} if outputs[0] == "yes" else {}
    inputs = [{"text": f"text {chr(97 + n)}"} for n in range(12)]
    with pytest.raises(NotApplicableError, match=words):
        propose(schema, examples_of(inputs, outputs))
