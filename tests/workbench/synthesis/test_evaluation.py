"""The figures of a report, checked against figures worked out by hand or by scikit-learn."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from runtime.models import Example, TaskSpecification
from runtime.sandbox.result import ProgramError, Result
from runtime.validation.exact import matches
from workbench.synthesis.evaluation import evaluate, judge, wilson_interval


def report_of(pairs, schema=None):
    task = TaskSpecification(
        name="t", description="d", input_schema={"type": "object"}, output_schema=schema or {}
    )
    examples = [Example(input={"n": n}, output=truth) for n, (truth, _) in enumerate(pairs)]
    results = [
        got if isinstance(got, Result) else Result("success", got, 0.8, None, 1.0)
        for _, got in pairs
    ]
    return evaluate(task, judge(task, examples, results), "held-out")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=5))
def test_class_figures_agree_with_scikit_learn(pairs):
    report = report_of(pairs, {"enum": ["a", "b", "c"]})
    truth, got = zip(*pairs, strict=True)
    for label in set(truth):
        figures = report["classes"][f'"{label}"']
        for name, score in (
            ("precision", precision_score),
            ("recall", recall_score),
            ("f1", f1_score),
        ):
            expected = score(truth, got, labels=[label], average="macro", zero_division=0)
            assert math.isclose(figures[name], expected, abs_tol=1e-5)
    assert sum(map(sum, report["confusion"]["counts"])) == len(pairs)


def test_an_answer_that_never_came_counts_as_wrong_and_is_listed():
    late = Result("timeout", error=ProgramError("Timeout", "no answer in 10 ms"))
    report = report_of([("a", "a"), ("a", late), ("b", "b"), ("b", "b")], {"enum": ["a", "b"]})
    assert (report["correct"], report["timeouts"]) == (3, 1)
    assert "Timeout" in report["failures"][0]["error"]


def test_the_wilson_interval_is_the_published_one():
    # Newcombe 1998, table I: 81 of 263.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_object_outputs_are_judged_whole_and_by_field():
    report = report_of([({"a": 1, "b": "x"}, {"a": 1, "b": "y"}), ({"a": 2}, {"a": 2})])
    assert report["accuracy"] == 0.5
    assert report["fields"] == {"a": 1.0, "b": 0.5}


def test_numbers_report_how_far_off_they_are():
    report = report_of([(1.0, 1.0), (2.0, 2.5), (3.0, 3.0), (4.5, 4.5)])
    assert report["mean_absolute_error"] == 0.125
    assert 0.9 < report["r2"] < 1


@pytest.mark.parametrize(
    ("expected", "got", "schema", "same"),
    [
        (True, 1, {}, False),
        (1, 1.0, {}, True),
        (0.1 + 0.2, 0.3, {}, True),
        (100, 101, {}, False),
        (100, 101, {"x-tolerance": 2}, True),
        ({"p": 100}, {"p": 101}, {"properties": {"p": {"x-tolerance": 2}}}, True),
        ({"p": None}, {}, {}, False),
        ([1, 2], [1, 2.0], {}, True),
        ("1", 1, {}, False),
        (None, None, {}, True),
    ],
)
def test_when_two_answers_are_the_same(expected, got, schema, same):
    assert matches(expected, got, schema) is same
