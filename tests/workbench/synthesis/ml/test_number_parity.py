"""A compiled regression estimates as the scikit-learn model does that it was compiled from."""

from __future__ import annotations

import random

import numpy as np
import pytest
from made_examples import examples_of, orders, random_orders, task_of, topic_texts

from runtime.sandbox import Sandbox
from workbench.synthesis.fragment import write_program
from workbench.synthesis.kinds import input_fields
from workbench.synthesis.ml.compile_regression import compile_regression
from workbench.synthesis.ml.models import Recipe, Trainer
from workbench.synthesis.ml.regression import learn_numbers
from workbench.synthesis.ml.regression_heads import COLUMN_HEADS, LINEAR_HEADS, RANKER
from workbench.synthesis.ml.scale import scale_of
from workbench.synthesis.ml.space import Corpus
from workbench.synthesis.ml.views import row_parts, text_views

NUMBERS = {"type": "number"}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def fees(count, seed=0):
    """Orders with a fee that follows from them but for a little noise."""
    chance = random.Random(seed)
    inputs = orders(count, seed)[0]
    return inputs, [
        round(4 + 0.07 * data["amount"] + 3 * (data["country"] == "US") + chance.gauss(0, 0.5), 2)
        for data in inputs
    ]


def estimates(sandbox, fragment, inputs):
    program = sandbox.load(write_program(task_of(NUMBERS), fragment, "A test."))
    results = sandbox.run(program, inputs)
    assert [result.error for result in results if not result.ok] == []
    return [result.output for result in results]


@pytest.mark.parametrize("head", [*LINEAR_HEADS, *COLUMN_HEADS], ids=lambda head: head.title)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_every_regression_agrees(sandbox, head, logarithmic):
    inputs, values = fees(150)
    scale = scale_of(values, logarithmic=logarithmic)
    fields = input_fields(task_of(NUMBERS), examples_of(inputs, values))
    targets = np.log1p(np.abs(values)) if logarithmic else np.array(values)
    trainer = Trainer(Corpus(inputs), targets, 0, RANKER)
    model = trainer.fit(Recipe(head, (), row_parts(fields, inputs)), np.arange(150))
    fragment = compile_regression(model, scale, 0.5, "answer", "a test", ())
    unseen = fees(150, seed=1)[0] + random_orders(60, seed=2)
    exact = model.estimator.predict(model.space.place_new(unseen))
    expected = [scale.answer(float(value)) for value in exact]
    got = estimates(sandbox, fragment, unseen)
    near = np.isclose(got, expected, rtol=1e-5, atol=0.011)
    assert near.mean() >= 0.995


def test_numbers_told_in_words_are_estimated_from_them(sandbox):
    inputs, topics = topic_texts(90)
    worth = {"fruit": 10.0, "tools": 200.0, "music": 3000.0}
    values = [worth[topic] for topic in topics]
    fields = input_fields(task_of(NUMBERS), examples_of(inputs, values))
    assert text_views(fields, inputs, 10.0)
    regression = next(
        learn_numbers(
            inputs, values, fields, NUMBERS,
            function="answer", seed=0, latency_ms=10.0, max_bytes=200_000,
        )
    )  # fmt: skip
    unseen = topic_texts(60, seed=1)[0]
    got = estimates(sandbox, regression.fragment, unseen)
    assert np.allclose(got, regression.predict(unseen), rtol=1e-3, atol=0.5)
    assert len(regression.fragment.source.encode()) <= 200_000


def test_a_tolerance_in_the_schema_counts_near_answers_as_right():
    inputs, values = fees(100)
    fields = input_fields(task_of(NUMBERS), examples_of(inputs, values))

    def accuracy(schema):
        learned = learn_numbers(
            inputs, values, fields, schema,
            function="answer", seed=0, latency_ms=10.0, max_bytes=200_000,
        )  # fmt: skip
        return next(learned).accuracy

    assert accuracy({"type": "number", "x-tolerance": 2.0}) > accuracy(NUMBERS) + 0.3
