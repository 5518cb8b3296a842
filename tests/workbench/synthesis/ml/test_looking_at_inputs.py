"""How inputs become tokens and numbers, and how rows are held out while models are compared."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made_examples import examples_of, orders, task_of

from workbench.synthesis.kinds import input_fields
from workbench.synthesis.ml import program_code
from workbench.synthesis.ml.calibration import calibration_error, fit_sharpness, log_softmax
from workbench.synthesis.ml.folds import stratified_folds
from workbench.synthesis.ml.sampling import selection_rows
from workbench.synthesis.ml.space import Corpus
from workbench.synthesis.ml.views import row_parts, text_views


def views_of(texts, latency_ms=10.0):
    inputs = [{"text": text, "id": number} for number, text in enumerate(texts)]
    fields = input_fields(task_of({}), examples_of(inputs, [0] * len(inputs)))
    return text_views(fields, inputs, latency_ms)


def test_words_keep_marks_apart_and_forms_of_letters_together():
    assert program_code.find_words("Don’t PAY £20,００!") == [
        "don’t", "pay", "£", "20", ",", "00", "!",
    ]  # fmt: skip


def test_pieces_never_span_two_words():
    pieces = program_code.find_pieces("good day", 2, 3)
    assert {"_g", "go", "od", "d_", "_go", "day", "ay_"} <= set(pieces)
    assert not any("_" in piece[1:-1] for piece in pieces)


def test_scripts_without_spaces_are_read_by_single_letters():
    chinese = views_of(["今天天气很好我们去公园", "会议推迟到下午三点开始", "请把门关上"])
    english = views_of(["the weather is fine today", "the meeting was moved", "shut it"])
    sizes = [view.arguments for look in (*chinese, *english) for view in look if view.arguments]
    assert sizes == [(1, 3), (1, 3), (2, 4), (2, 4)]


def test_long_texts_are_read_up_to_what_the_latency_target_allows():
    [words] = views_of(["word " * 4000, "other " * 4000, "more " * 4000], latency_ms=1.0)[0]
    assert len(words.tokens({"text": "word " * 4000})) == 600


def test_what_cannot_be_printed_is_no_token():
    inputs = [{"text": "fine \x00 \ud800 text"}, {"text": "more text"}]
    [words] = views_of(["fine text", "more text", "text"])[0]
    assert Corpus(inputs).counts(words)[1] == ("fine", "more", "text")


def test_nulls_and_unknown_categories_have_columns_of_their_own_or_none():
    inputs, labels = orders(80)
    fields = input_fields(task_of({}), examples_of(inputs, labels))
    parts = row_parts(fields, inputs)
    names = [name for part in parts for name in part.names]
    odd = {"amount": None, "age": None, "country": "JP", "member": None}
    row = dict(zip(names, [value for part in parts for value in part.read(odd)], strict=True))
    assert row["age is missing"] == 1.0
    assert sum(value for name, value in row.items() if name.startswith("country")) == 0.0


@settings(max_examples=60, deadline=None)
@given(labels=st.lists(st.integers(0, 4), min_size=4, max_size=60), seed=st.integers(0, 99))
def test_each_row_is_held_out_once_and_every_fold_knows_all_classes(labels, seed):
    folds = stratified_folds(labels, 5, seed)
    held = [int(row) for fold in folds for row in fold.held_out]
    alone = [row for row, label in enumerate(labels) if labels.count(label) == 1]
    assert sorted([*held, *alone]) == list(range(len(labels)))
    for fold in folds:
        assert {labels[row] for row in fold.train} == set(labels)


def test_scores_that_shout_are_turned_down_to_what_they_know():
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, 600)
    scores = 20 * (np.eye(3)[labels] + chance.normal(0, 1, (600, 3)))
    chances = np.exp(log_softmax(fit_sharpness(scores, labels) * scores))
    assert calibration_error(chances, labels) < 0.05
    assert calibration_error(np.exp(log_softmax(scores)), labels) > 0.15


def test_many_texts_are_sampled_with_classes_in_proportion():
    inputs = [{"text": "x" * 2000} for _ in range(8000)]
    labels = np.array([0] * 6000 + [1] * 1998 + [2] * 2)
    rows = selection_rows(inputs, labels, 0)
    counts = np.bincount(labels[rows])
    assert sum(len(inputs[row]["text"]) for row in rows) <= 8_000_000
    assert counts[2] == 2
    assert abs(counts[0] / counts[1] - 3) < 0.1
