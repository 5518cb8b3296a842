"""Small tables: discriminants between linear and quadratic, and blends of models that differ."""

import warnings

import numpy as np
import pytest
from made_examples import examples_of, orders, random_orders, task_of
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

from runtime.sandbox import Sandbox
from workbench.synthesis.fragment import write_program
from workbench.synthesis.kinds import input_fields
from workbench.synthesis.ml.calibration import brier_score
from workbench.synthesis.ml.classifier import learn_classes
from workbench.synthesis.ml.regularised_discriminants import RegularisedDiscriminants


@pytest.fixture
def blobs():
    rows, labels = make_blobs(150, n_features=4, centers=3, cluster_std=4.0, random_state=2)
    return rows, labels


def test_wholly_pooled_discriminants_are_linear_ones(blobs):
    rows, labels = blobs
    own = RegularisedDiscriminants(pooled=1.0, shrinkage=0.0).fit(rows, labels)
    linear = LinearDiscriminantAnalysis(solver="lsqr").fit(rows, labels)
    assert np.array_equal(own.predict(rows), linear.predict(rows))


def test_discriminants_that_pool_nothing_are_quadratic_ones(blobs):
    rows, labels = blobs
    own = RegularisedDiscriminants(pooled=0.0, shrinkage=0.0).fit(rows, labels)
    quadratic = QuadraticDiscriminantAnalysis().fit(rows, labels)
    assert np.array_equal(own.predict(rows), quadratic.predict(rows))


def test_a_column_that_never_varies_and_a_class_of_one_row_are_borne():
    rows = np.array([[0.0, 1.0], [1.0, 1.0], [5.0, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RegularisedDiscriminants(0.5).fit(rows, np.array([0, 0, 1]))
    assert model.predict(rows).tolist() == [0, 0, 1]


def test_the_brier_score_of_certainty_is_zero_where_right_and_two_where_wrong():
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert brier_score(sure, np.array([0, 1])) == pytest.approx(0)
    assert brier_score(sure, np.array([1, 0])) == pytest.approx(2)


def test_what_is_learned_from_few_rows_is_a_blend_that_the_program_agrees_with():
    inputs, labels = orders(110)
    fields = input_fields(task_of({"type": "string"}), examples_of(inputs, labels))
    classifier = next(learn_classes(inputs, labels, fields, seed=0))
    assert len(classifier.members) > 1
    unseen = orders(300, seed=5)[0] + random_orders(100, seed=6)
    source = write_program(task_of({"type": "string"}), classifier.fragment("answer"), "A test.")
    assert len(source.encode()) < 300_000
    with Sandbox() as sandbox:
        results = sandbox.run(sandbox.load(source), unseen)
    expected = classifier.predict(unseen)
    same = [result.output == own for result, own in zip(results, expected, strict=True)]
    assert sum(same) >= 0.995 * len(same)
