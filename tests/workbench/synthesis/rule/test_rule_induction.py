"""What rules learn from examples: the signs that tell classes apart, and no more than that."""

import itertools
import random

import pytest

from workbench.synthesis.kinds import FieldKind, InputField
from workbench.synthesis.rule.inducer import induce_classes
from workbench.synthesis.rule.precise import induce_precise_rules
from workbench.synthesis.rule.structures import DecisionList, PointScore, answer
from workbench.synthesis.rule.write_python import write_python

TEXT = InputField(("text",), FieldKind.TEXT)
GOOD = ["splendid", "great", "wonderful", "lovely", "superb", "charming", "delightful", "excellent"]
BAD = ["awful", "dreadful", "terrible", "nasty", "horrid", "rotten", "dismal", "poor"]
NEUTRAL = [
    "the",
    "phone",
    "arrived",
    "in",
    "a",
    "box",
    "with",
    "its",
    "cable",
    "and",
    "manual",
    "on",
    "monday",
    "we",
    "paid",
    "for",
    "it",
]


def run_of(ranked):
    names: dict[str, object] = {}
    exec("\n".join([*ranked.fragment.imports, ranked.fragment.source]), names)
    return names[ranked.fragment.function]


def accuracy(ranked, inputs, labels):
    run = run_of(ranked)
    return sum(run(data)[0] == label for data, label in zip(inputs, labels, strict=True)) / len(
        labels
    )


def induce(inputs, labels, fields, seed=0):
    return induce_classes(inputs, labels, fields, function="tell", seed=seed)


def opinions(count, seed):
    """Texts of common words, each with one or two words of its class among them."""
    chooser = random.Random(seed)
    inputs, labels = [], []
    for number in range(count):
        good = number % 2 == 0
        words = chooser.choices(NEUTRAL, k=8) + chooser.sample(GOOD if good else BAD, k=2)
        chooser.shuffle(words)
        inputs.append({"text": " ".join(words)})
        labels.append("good" if good else "bad")
    return inputs, labels


def orders(count, seed, noise=0.0):
    """Orders at risk when large and abroad, with some labels turned round."""
    chooser = random.Random(seed)
    inputs, labels = [], []
    for _ in range(count):
        data = {
            "amount": chooser.randint(1, 1000),
            "country": chooser.choice(["DE", "FR", "NG", "US"]),
            "member": chooser.random() < 0.5,
        }
        if chooser.random() < 0.1:
            data["member"] = None
        risky = data["amount"] > 400 and data["country"] in ("NG", "US")
        inputs.append(data)
        labels.append(risky != (chooser.random() < noise))
    return inputs, labels


ORDER_FIELDS = [
    InputField(("amount",), FieldKind.NUMBER),
    InputField(("country",), FieldKind.CATEGORY, values=("DE", "FR", "NG", "US")),
    InputField(("member",), FieldKind.BOOLEAN, optional=True),
]


def test_words_seen_a_few_times_tell_new_texts_apart():
    inputs, labels = opinions(60, seed=1)
    unseen, truth = opinions(400, seed=2)
    best = induce(inputs, labels, [TEXT])[0]
    assert accuracy(best, unseen, truth) >= 0.97
    assert best.score >= 0.9


def test_a_number_and_a_category_together_are_found_and_nothing_else():
    inputs, labels = orders(300, seed=1)
    unseen, truth = orders(1000, seed=2)
    best = induce(inputs, labels, ORDER_FIELDS)[0]
    assert accuracy(best, unseen, truth) >= 0.98
    assert "member" not in best.fragment.source
    assert not isinstance(best.structure, PointScore)


def test_wrong_labels_do_not_make_the_rules_many():
    inputs, labels = orders(300, seed=1, noise=0.1)
    unseen, truth = orders(1000, seed=2)
    best = induce(inputs, labels, ORDER_FIELDS)[0]
    assert accuracy(best, unseen, truth) >= 0.95
    assert len(best.fragment.source.splitlines()) < 60


def test_labels_without_a_reason_are_not_claimed_to_be_known():
    chooser = random.Random(3)
    inputs, _ = opinions(100, seed=1)
    labels = [chooser.choice(["yes", "no"]) for _ in inputs]
    assert all(each.score < 0.65 for each in induce(inputs, labels, [TEXT]))


def test_the_estimate_is_near_what_unseen_examples_show():
    inputs, labels = orders(200, seed=5, noise=0.15)
    unseen, truth = orders(1000, seed=6, noise=0.15)
    best = induce(inputs, labels, ORDER_FIELDS)[0]
    assert best.score == pytest.approx(accuracy(best, unseen, truth), abs=0.07)


def test_confidence_is_near_the_share_that_is_right():
    inputs, labels = orders(240, seed=7, noise=0.2)
    unseen, truth = orders(1000, seed=8, noise=0.2)
    best = induce(inputs, labels, ORDER_FIELDS)[0]
    sure = [answer(best.structure, data)[1] for data in unseen]
    assert sum(sure) / len(sure) == pytest.approx(accuracy(best, unseen, truth), abs=0.07)


def test_a_rare_class_is_found():
    inputs, _ = opinions(200, seed=9)
    labels = ["fine"] * len(inputs)
    for number in range(0, 200, 20):
        inputs[number] = {"text": inputs[number]["text"] + " fire in the cellar"}
        labels[number] = "urgent"
    best = induce(inputs, labels, [TEXT])[0]
    assert run_of(best)({"text": "again fire in the cellar"})[0] == "urgent"
    assert run_of(best)({"text": "the phone arrived on monday"})[0] == "fine"


@pytest.mark.parametrize(
    ("one", "other"), [("Привет, как дела", "你好吗朋友们"), ("schön für dich", "merci à vous")]
)
def test_scripts_and_letters_tell_languages_apart(one, other):
    extra = ["", "!", " 1", "?", ".", " 2"]
    inputs = [{"text": text + end} for text in (one, other) for end in extra]
    labels = [text for text in (one, other) for _ in extra]
    best = induce(inputs, labels, [TEXT])[0]
    assert [run_of(best)(data)[0] for data in inputs] == labels


@pytest.mark.parametrize(
    "classes", [(True, False), (0, 1), (None, "x"), ("1", 1), (True, 1), ([1], {"a": None})]
)
def test_labels_of_any_kind_come_back_as_they_were(classes):
    inputs = [{"n": n} for n in range(40)]
    labels = [classes[n >= 20] for n in range(40)]
    fields = [InputField(("n",), FieldKind.NUMBER)]
    for each in induce(inputs, labels, fields):
        found = [run_of(each)(data)[0] for data in inputs]
        assert list(map(repr, found)) == list(map(repr, labels))


@pytest.fixture(scope="module")
def of_many_fields():
    texts, labels = opinions(40, seed=1)
    numbers, _ = orders(40, seed=1)
    inputs = [one | other for one, other in zip(texts, numbers, strict=True)]
    return induce(inputs, labels, [TEXT, *ORDER_FIELDS])


@pytest.mark.parametrize(
    "odd",
    [{}, {"text": None}, {"text": 7}, {"text": ["free"]}, {"text": {"a": 1}}, {"amount": "high"},
     {"amount": True}, {"amount": 10**400, "text": "x" * 200_000}, {"country": []}],
)  # fmt: skip
def test_what_is_missing_or_of_another_type_never_fails(odd, of_many_fields):
    for each in of_many_fields:
        label, confidence = run_of(each)(odd)
        assert label in ("good", "bad")
        assert 0 <= confidence <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_handful_of_examples_still_makes_a_program(count):
    inputs, labels = opinions(count, seed=1)
    assert run_of(induce(inputs, labels, [TEXT])[0])({"text": "a splendid box"})[0] in labels


def test_examples_of_one_class_make_a_program_that_says_so():
    only = induce([{"text": "a"}, {"text": "b"}], ["x", "x"], [TEXT])[0]
    assert run_of(only)({"text": "c"})[0] == "x"
    assert "always" in " ".join(only.notes).lower()


def test_inputs_with_nothing_to_read_make_a_program_of_the_commonest_class():
    only = induce([{}] * 6, ["x", "x", "x", "x", "y", "y"], [])[0]
    assert run_of(only)({})[0] == "x"


def test_no_examples_are_refused():
    with pytest.raises(ValueError, match="label"):
        induce([], [], [TEXT])


def test_many_classes_are_learned_in_good_time():
    words = [f"{a}{b}{c}" for a, b, c in itertools.product("bdk", "ae", "nrt")]
    inputs = [{"text": f"{word} {tail}"} for word in words for tail in ("one", "two", "and", "or")]
    labels = [word for word in words for _ in range(4)]
    best = induce(inputs, labels, [TEXT])[0]
    assert accuracy(best, inputs, labels) >= 0.95


def test_precise_rules_decide_a_part_and_are_right_there():
    inputs, labels = orders(400, seed=1, noise=0.0)
    hazy, truth = orders(400, seed=2, noise=0.3)
    for data, label in zip(hazy, truth, strict=True):
        inputs.append(data | {"amount": data["amount"] + 2000})
        labels.append(label)
    rules = induce_precise_rules(inputs, labels, ORDER_FIELDS, min_precision=0.95, seed=0)
    unseen, truth = orders(500, seed=3)
    decided = [(answer(rules, data), label) for data, label in zip(unseen, truth, strict=True)]
    right = [found[0] == label for found, label in decided if found]
    assert len(right) > 200
    assert sum(right) / len(right) >= 0.93


def test_no_rule_is_precise_where_there_is_nothing_to_know():
    chooser = random.Random(3)
    inputs, _ = opinions(120, seed=1)
    labels = [chooser.choice(["yes", "no"]) for _ in inputs]
    rules = induce_precise_rules(inputs, labels, [TEXT], min_precision=0.95, seed=0)
    assert rules == DecisionList((), None)
    assert run_of_rules(rules)({"text": "anything"}) is None


def run_of_rules(rules):
    fragment = write_python(rules, "sure_label")
    names: dict[str, object] = {}
    exec("\n".join([*fragment.imports, fragment.source]), names)
    return names["sure_label"]


def test_leap_years_are_told_by_what_divides_them():
    years = random.Random(1).sample(range(1600, 2400), 240)
    field = InputField(("year",), FieldKind.NUMBER)
    labels = [(year % 4 == 0 and year % 100 != 0) or year % 400 == 0 for year in years]
    best = induce([{"year": year} for year in years], labels, [field])[0]
    assert [run_of(best)({"year": year})[0] for year in (1996, 1997, 2004, 2010)] == [
        True, False, True, False,
    ]  # fmt: skip


def test_two_fields_are_compared_with_each_other():
    chooser = random.Random(1)
    cities = ["Bonn", "Lyon", "Graz", "Oslo", "Turin"]
    inputs = [{"to": chooser.choice(cities), "from": chooser.choice(cities)} for _ in range(80)]
    fields = [InputField((name,), FieldKind.CATEGORY, values=tuple(cities)) for name in inputs[0]]
    best = induce(inputs, [data["to"] == data["from"] for data in inputs], fields)[0]
    assert run_of(best)({"to": "Rome", "from": "rome"})[0] is True
    assert run_of(best)({"to": "Rome", "from": "Bonn"})[0] is False
