"""Which of several judged programs is kept: a model's help must be more than luck."""

import random

import pytest

from workbench.synthesis.ranking import Evaluated, explain, rank
from workbench.synthesis.strategy import Candidate

RUNS = 400
EXAMPLES = 150


def judged(right, helped_by=None, misses=(), fit=None, label="m"):
    accuracy = sum(right) / len(right)
    report = {
        "method": "held-out", "examples": len(right), "correct": sum(right), "accuracy": accuracy,
        "interval": [accuracy, accuracy], "baseline": 0.5, "latency_ms": {"p99": 1.0},
        "r2": fit, "mean_absolute_error": 1,
    }  # fmt: skip
    candidate = Candidate("rule", label, "", helped_by=helped_by)
    return Evaluated(candidate, report, 1.0, 100, tuple(right), tuple(misses))


def answers(source, skill):
    return [source.random() < skill for _ in range(EXAMPLES)]


def shares_of_helped(skill, candidates):
    """How often a program with help stands first, where without help 70 % are right."""
    source = random.Random(3)
    taken = 0
    for _ in range(RUNS):
        alone = judged(answers(source, 0.7))
        helped = [judged(answers(source, skill), "tiny") for _ in range(candidates)]
        first = rank([alone, *helped])[0]
        assert first.accuracy >= alone.accuracy, "worse with a model than without"
        taken += first.candidate.helped_by is not None
    return taken / RUNS


@pytest.mark.parametrize("candidates", [1, 3, 8])
def test_of_many_programs_a_poor_model_helped_a_lucky_one_is_no_likelier_to_be_kept(candidates):
    assert shares_of_helped(0.7, candidates) <= 0.12


def test_help_that_is_worth_something_is_taken():
    assert shares_of_helped(0.9, 3) > 0.95


def test_a_lucky_lead_is_named_with_how_many_there_were():
    source = random.Random(0)
    alone = judged([True] * 90 + [False] * 10)
    lucky = judged([False] + [True] * 94 + [False] * 5, "tiny", label="words of tiny")
    others = [judged([source.random() < 0.5 for _ in range(100)], "tiny") for _ in range(3)]
    one, several = rank([alone, lucky]), rank([alone, lucky, *others])
    assert one[0] is alone and several[0] is alone
    assert "leads by no more than luck may give; the program" in explain(one, 0.5)
    text = explain(several, 0.5)
    assert "words of tiny (94.0%) leads by no more than luck may give to one of 4" in text


def test_a_better_fit_must_be_nearer_on_more_examples_than_luck_gives():
    none = [False] * 20
    far = judged(none, misses=[1.0] * 20, fit=0.5)
    # Its fit is better by one example alone.
    once = judged(none, "tiny", misses=[0.0] + [1.01] * 19, fit=0.6)
    often = judged(none, "tiny", misses=[0.5] * 18 + [1.1] * 2, fit=0.6)
    assert rank([far, once])[0] is far
    assert rank([far, often])[0] is often
