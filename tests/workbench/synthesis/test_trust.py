"""What a version says of its weak places: slices, small edits, confidence, and what would help."""

import random

import pytest
from made_examples import task_of

from runtime.models import Example
from runtime.sandbox import Sandbox
from runtime.sandbox.result import Result
from workbench.synthesis.evaluation import Judged, evaluate
from workbench.synthesis.model_card import improvements, model_card
from workbench.synthesis.slices import weak_slices
from workbench.synthesis.trust import find_weaknesses, measure_sensitivity

LABELS = {"enum": ["high", "low"]}
WORDS = ("the", "a", "parcel", "late", "thanks", "is", "invoice", "door", "bell", "again")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def rows(count=200, seed=0):
    chance = random.Random(seed)
    return [
        {
            "text": " ".join(chance.choices(WORDS, k=5)),
            "country": chance.choice(["DE", "FR", "PL"]),
            "amount": round(chance.uniform(1, 100), 2),
        }
        for _ in range(count)
    ]


def judged_where(wrong, inputs=None, confidence=None):
    """Every input judged; wrong where `wrong(data)` says so."""
    inputs = inputs or rows()
    found = []
    for number, data in enumerate(inputs):
        truth = ("high", "low")[number % 2]
        fails = wrong(data)
        got = {"high": "low", "low": "high"}[truth] if fails else truth
        sure = confidence(data) if confidence else None
        found.append(
            Judged(Example(input=data, output=truth), Result("success", got, sure), not fails)
        )
    return found


def weaknesses(judged):
    task = task_of(LABELS, examples=[item.example for item in judged])
    return find_weaknesses(task, judged)


def test_a_category_where_it_is_weak_is_named_with_its_figures():
    judged = judged_where(lambda data: data["country"] == "FR")
    (weak,) = weaknesses(judged)["weak_slices"]
    assert weak["where"] == 'country is "FR"'
    assert weak["wrong"] == weak["examples"] > 40
    assert weak["interval"][1] < 0.1 and weak["adjusted_p"] < 1e-6


def test_a_range_of_a_number_is_named():
    judged = judged_where(lambda data: data["amount"] > 80)
    where = [weak["where"] for weak in weaknesses(judged)["weak_slices"]]
    assert where[0].startswith("amount above 7")


def test_the_presence_of_a_word_is_named():
    judged = judged_where(lambda data: "invoice" in data["text"])
    where = [weak["where"] for weak in weaknesses(judged)["weak_slices"]]
    assert "text with the word 'invoice'" in where


def test_the_length_of_a_text_is_named():
    inputs = rows()
    for number, data in enumerate(inputs):
        data["text"] = f"{number} " + data["text"] * (6 if number % 5 == 0 else 1)
    judged = judged_where(lambda data: len(data["text"]) > 100, inputs)
    where = [weak["where"] for weak in weaknesses(judged)["weak_slices"]]
    assert any("text of more than" in name for name in where)


def test_a_class_is_named():
    judged = [
        Judged(item.example, item.result, item.right and item.example.output == "high")
        for item in judged_where(lambda data: False)
    ]
    where = [weak["where"] for weak in weaknesses(judged)["weak_slices"]]
    assert where == ['expected output "low"']


@pytest.mark.parametrize("seed", range(6))
def test_mistakes_by_chance_alone_name_hardly_anything(seed):
    chance = random.Random(seed)
    judged = judged_where(lambda data: chance.random() < 0.15, rows(seed=seed))
    found = weaknesses(judged)
    assert found["slices_tested"] > 20
    assert len(found["weak_slices"]) <= 1


def test_where_nothing_is_wrong_nothing_is_named():
    assert weaknesses(judged_where(lambda data: False))["weak_slices"] == []


def test_slices_that_are_nearly_the_same_are_named_once():
    inputs = [{"a": n % 4 == 0, "b": n % 4 == 0, "n": n} for n in range(120)]
    weak, _ = weak_slices(
        task_of(LABELS, examples=[Example(input=data, output="low") for data in inputs]),
        inputs,
        ["low"] * 120,
        [not data["a"] for data in inputs],
    )
    assert len(weak) == 1


def test_confidence_is_shown_in_bins_beside_what_was_right():
    chance = random.Random(0)
    judged = judged_where(lambda data: chance.random() < 0.3, confidence=lambda data: 0.95)
    (bin_,) = weaknesses(judged)["confidence_bins"]
    assert bin_["from"] == 0.9 and bin_["confidence"] == pytest.approx(0.95)
    assert bin_["accuracy"] == pytest.approx(0.7, abs=0.12)


def test_the_class_with_most_mistakes_is_what_is_needed_most():
    judged = judged_where(lambda data: data["country"] == "FR" and data["amount"] > 30)
    needs = weaknesses(judged)["needs"]
    assert needs[0]["wrong"] >= needs[1]["wrong"]
    assert sum(need["wrong"] for need in needs) == sum(not item.right for item in judged)
    taken = needs[0]["taken_for"]
    assert set(taken) == {'"high"', '"low"'} - {needs[0]["class"]}


SHOUTING = """
def run(input_data):
    return "high" if input_data["text"].isupper() else "low"
"""
PRICEY = """
def run(input_data):
    return "high" if input_data["amount"] > 50 else "low"
"""


def measured(sandbox, source, inputs):
    examples = [Example(input=data, output="low") for data in inputs]
    task = task_of(LABELS, examples=examples)
    return measure_sensitivity(task, sandbox.load(source), sandbox, 0)


def test_a_program_that_minds_capitals_is_said_to_be_swayed_by_them(sandbox):
    report = measured(sandbox, SHOUTING, rows(60))
    assert report["capitals"]["share"] == 1.0
    assert report["white space"]["changed"] == 0 and report["a typo"]["changed"] == 0
    example = report["capitals"]["example"]
    assert example["edited"]["text"].isupper() and example["then"] == "high"


def test_numbers_near_a_threshold_sway_a_program_that_has_one(sandbox):
    inputs = [{"text": f"order {n}", "amount": 40 + n / 10} for n in range(200)]
    report = measured(sandbox, PRICEY, inputs)
    assert 0 < report["numbers ±1 %"]["share"] < 0.1
    assert report["capitals"]["changed"] == 0


def test_an_edit_that_applies_to_nothing_is_left_out(sandbox):
    inputs = [{"amount": number + 0.5} for number in range(20)]
    assert set(measured(sandbox, PRICEY, inputs)) == {"numbers ±1 %"}


def test_a_category_is_no_text_to_edit(sandbox):
    source = 'def run(input_data):\n    return "high" if input_data["country"] == "DE" else "low"\n'
    report = measured(sandbox, source, rows(100))
    assert all(figures["changed"] == 0 for figures in report.values())


def card(judged, target):
    task = task_of(LABELS, examples=[item.example for item in judged], accuracy_target=target)
    report = {**evaluate(task, judged, "held-out"), **find_weaknesses(task, judged)}
    report["learned_from"] = len(judged)
    return "\n".join(model_card(task, "rule", "a list", report)), improvements(report)


def test_a_card_says_plainly_that_a_program_is_not_good_enough_and_what_would_help():
    text, advice = card(judged_where(lambda data: data["country"] == "FR"), 0.95)
    assert "**Not good enough:**" in text and "the target is 95.0%" in text
    assert "loopai suggest a-task" in text
    assert any("More examples of" in sentence for sentence in advice)
    assert any('country is "FR"' in sentence for sentence in advice)
    assert 'country is "FR"' in text


def test_a_card_of_a_good_program_says_so_and_gives_no_advice():
    text, advice = card(judged_where(lambda data: False), 0.9)
    assert "**Good enough:** 100.0%" in text and advice == []
    assert "Nowhere surely weaker" in text
