"""A compiled program answers as the scikit-learn model does that it was compiled from."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_examples import (
    examples_of,
    orders,
    random_orders,
    task_of,
    topic_texts,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from runtime.sandbox import Sandbox
from workbench.synthesis.fragment import write_program
from workbench.synthesis.kinds import input_fields
from workbench.synthesis.ml.classifier import chances_of, learn_classes
from workbench.synthesis.ml.column_heads import HEADS
from workbench.synthesis.ml.compile_classifier import Member, compile_classifier
from workbench.synthesis.ml.linear_heads import COLUMN_HEADS, TEXT_HEADS
from workbench.synthesis.ml.models import Recipe, Trainer
from workbench.synthesis.ml.space import Corpus
from workbench.synthesis.ml.views import (
    logarithm_parts,
    row_parts,
    shape_parts,
    step_parts,
    text_views,
)

CLASSES = {"type": "string"}
AGREEMENT = 0.995
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "ﬁne ＡＢＣ",
    "i̇İ",
    "好天气很好",
    "\u2028a\u0085b",
    "😀!" * 9,
    'say "\\n"',
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def answers(sandbox, fragment, inputs):
    """What the program answers in the sandbox; every input must have an answer."""
    program = sandbox.load(write_program(task_of(CLASSES), fragment, "A test."))
    results = sandbox.run(program, inputs)
    assert [result.error for result in results if not result.ok] == []
    return [result.output for result in results]


def agreement(given_by_program, given_by_model):
    pairs = zip(given_by_program, given_by_model, strict=True)
    return sum(own == other for own, other in pairs) / len(given_by_model)


def assert_agrees(sandbox, recipe, inputs, labels, unseen):
    """Train on `inputs`, compile, and compare on inputs that were not trained on."""
    names = sorted(set(labels))
    classes = np.array([names.index(label) for label in labels])
    model = Trainer(Corpus(inputs), classes, 0).fit(recipe, np.arange(len(inputs)))
    fragment = compile_classifier(
        [Member(model, 1.5, 1)], names, 1.0, function="answer", about="A test.", largest=9999
    )
    expected = [names[label] for label in model.predict(unseen)]
    assert agreement(answers(sandbox, fragment, unseen), expected) >= AGREEMENT


def random_texts(count):
    chance = random.Random(5)
    letters = "abcdefghij ÄÖé好 12.!'’-\n\t"
    made = [
        {"text": "".join(chance.choices(letters, k=chance.randint(0, 80)))} for _ in range(count)
    ]
    return (
        made + [{"text": text} for text in ODD_TEXTS] + [{"text": None}, {}, {"text": [1, "ripe"]}]
    )


@pytest.mark.parametrize("head", TEXT_HEADS, ids=lambda head: head.title)
@pytest.mark.parametrize("look", [0, 1, 2, 3])
def test_every_model_of_text_agrees(sandbox, head, look):
    inputs, labels = topic_texts(120)
    fields = input_fields(task_of(CLASSES), examples_of(inputs, labels))
    views = text_views(fields, inputs, 10.0)[look]
    parts = shape_parts(fields) if head.takes_columns else ()
    unseen = topic_texts(150, seed=1)[0] + random_texts(150)
    assert_agrees(sandbox, Recipe(head, views, parts, tokens=300), inputs, labels, unseen)


@pytest.mark.parametrize("head", [*COLUMN_HEADS, *HEADS], ids=lambda head: head.title)
@pytest.mark.parametrize("classes", [2, 4])
def test_every_model_of_columns_agrees(sandbox, head, classes):
    inputs, labels = orders(300)
    if classes == 2:
        labels = ["low" if label == "low" else "high" for label in labels]
    else:
        labels = [
            "none" if data["country"] == "PL" else own
            for data, own in zip(inputs, labels, strict=True)
        ]
    fields = input_fields(task_of(CLASSES), examples_of(inputs, labels))
    parts = (*row_parts(fields, inputs), *logarithm_parts(fields, inputs))
    if getattr(head, "family", "") != "density":  # of which steps would be too many columns
        parts += step_parts(fields, inputs)
    unseen = orders(200, seed=1)[0] + random_orders(100, seed=2)
    assert_agrees(sandbox, Recipe(head, (), parts), inputs, labels, unseen)


def test_words_are_weighed_as_by_scikit_learns_own_tfidf(sandbox):
    inputs, labels = topic_texts(90)
    fields = input_fields(task_of(CLASSES), examples_of(inputs, labels))
    view = text_views(fields, inputs, 10.0)[0][0]
    own = make_pipeline(
        TfidfVectorizer(analyzer=view.tokens, sublinear_tf=True), LogisticRegression(C=10)
    ).fit(inputs, labels)
    names = sorted(set(labels))
    classes = np.array([names.index(label) for label in labels])
    model = Trainer(Corpus(inputs), classes, 0).fit(Recipe(TEXT_HEADS[1], (view,)), np.arange(90))
    member = Member(model, 1.0, 1)
    unseen = topic_texts(100, seed=3)[0]
    chances = chances_of([member], 1.0, unseen)
    assert np.allclose(chances, own.predict_proba(unseen), atol=1e-3)


def test_a_blend_agrees_and_its_confidence_is_the_models_probability(sandbox):
    inputs, labels = orders(200)
    names = sorted(set(labels))
    classes = np.array([names.index(label) for label in labels])
    fields = input_fields(task_of(CLASSES), examples_of(inputs, labels))
    trainer = Trainer(Corpus(inputs), classes, 0)
    parts = row_parts(fields, inputs)
    members = [
        Member(trainer.fit(Recipe(head, (), parts), np.arange(200)), sharpness, weight)
        for head, sharpness, weight in ((COLUMN_HEADS[1], 1.2, 1), (HEADS[4], 0.8, 3))
    ]
    fragment = compile_classifier(
        members, names, 1.1, function="answer", about="A test.", largest=9999
    )
    unseen = orders(200, seed=4)[0]
    program = sandbox.load(write_program(task_of(CLASSES), fragment, "A test."))
    results = sandbox.run(program, unseen)
    chances = chances_of(members, 1.1, unseen)
    expected = [names[position] for position in chances.argmax(axis=1)]
    assert agreement([result.output for result in results], expected) >= AGREEMENT
    assert np.allclose([result.confidence for result in results], chances.max(axis=1), atol=2e-3)


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def trained():
    inputs, labels = topic_texts(90)
    fields = input_fields(task_of(CLASSES), examples_of(inputs, labels))
    classifier = next(learn_classes(inputs, labels, fields, seed=0))
    spaces = {}
    source = write_program(task_of(CLASSES), classifier.fragment("answer"), "A test.")
    exec(compile(source, "program.py", "exec"), spaces)
    return classifier, spaces["run"]


@settings(max_examples=150, deadline=None)
@given(value=JSON_TEXTS)
def test_any_json_value_gets_the_models_answer(trained, value):
    classifier, run = trained
    data = {"text": value}
    label, confidence = run(data)
    chances = classifier.predict_chances([data])[0]
    second, first = sorted(chances)[-2:]
    assert label == classifier.predict([data])[0] or first - second < 0.01
    assert 0 <= confidence <= 1
    assert json.dumps(label)
