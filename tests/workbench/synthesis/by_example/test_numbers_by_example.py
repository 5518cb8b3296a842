"""Numbers found by example: formulas, rates, steps, and numbers that stand in a text."""

import random

import pytest

from runtime.models import Example, TaskSpecification
from workbench.synthesis.by_example import solve_number
from workbench.synthesis.kinds import input_fields

TASK = TaskSpecification(
    name="numbers", description="n", input_schema={"type": "object"}, output_schema={}
)


def solve(make, count, seed=0):
    """The best fragment learned from `count` made examples, and 60 others to hold it to."""
    chooser = random.Random(seed)
    examples = [Example(input=i, output=o) for i, o in (make(chooser) for _ in range(count + 60))]
    learned, others = examples[:count], examples[count:]
    found = solve_number(
        [example.input for example in learned],
        [example.output for example in learned],
        input_fields(TASK, learned),
        function="answer",
        seed=0,
    )
    return found[0], others


def share_right(ranked, examples):
    names: dict[str, object] = {}
    exec("\n".join([*ranked.fragment.imports, ranked.fragment.source]), names)
    answers = [names["answer"](example.input) for example in examples]
    right = [
        answer is None
        if example.output is None
        else answer is not None and abs(answer - example.output) < 1e-6
        for answer, example in zip(answers, examples, strict=True)
    ]
    return sum(right) / len(right)


def price_with_tax(chooser):
    price = round(chooser.uniform(1, 500), 2)
    return {"price": price}, round(price * 1.19, 2)


def line_total(chooser):
    row = {"quantity": chooser.randint(1, 20), "price": round(chooser.uniform(1, 50), 2)}
    return row, round(row["quantity"] * row["price"], 2)


def weighted_sum(chooser):
    row = {"a": chooser.randint(1, 99), "b": chooser.randint(1, 99), "c": chooser.randint(1, 9)}
    return row, 3 * row["a"] - 2.5 * row["b"] + 10


def fahrenheit_to_celsius(chooser):
    degrees = chooser.randint(-20, 110)
    return {"fahrenheit": degrees}, round((degrees - 32) * 5 / 9, 1)


def body_mass_index(chooser):
    row = {"kg": chooser.randint(45, 120), "m": round(chooser.uniform(1.5, 2), 2)}
    return row, round(row["kg"] / row["m"] ** 2, 1)


def minutes_since_midnight(chooser):
    row = {"hour": chooser.randint(0, 23), "minute": chooser.randint(0, 59)}
    return row, row["hour"] * 60 + row["minute"]


def words_in_text(chooser):
    words = chooser.choices(["a", "bb", "ccc", "dddd"], k=chooser.randint(1, 9))
    return {"text": " ".join(words)}, len(words)


def amount_in_text(chooser):
    amount = round(chooser.uniform(1, 5000), 2)
    return {"text": f"Total: ${amount:,.2f} incl. tax"}, amount


def tiles_in_text(chooser):
    wide, high = chooser.randint(2, 40), chooser.randint(2, 40)
    return {"text": f"{wide}x{high} tiles"}, wide * high


def length_of_list(chooser):
    row = {"items": [chooser.randint(1, 9) for _ in range(chooser.randint(1, 6))]}
    return row, sum(row["items"])


@pytest.mark.parametrize(
    "make",
    [price_with_tax, line_total, weighted_sum, fahrenheit_to_celsius, body_mass_index,
     minutes_since_midnight, words_in_text, amount_in_text, tiles_in_text, length_of_list],
)  # fmt: skip
def test_a_formula_is_found_exactly_from_eight_examples(make):
    ranked, others = solve(make, 8)
    assert share_right(ranked, others) == 1.0, ranked.fragment.source


def shipping(chooser):
    row = {"kg": round(chooser.uniform(0.2, 20), 1), "zone": chooser.choice("ABC")}
    return row, round({"A": 1.5, "B": 2.25, "C": 4.0}[row["zone"]] * row["kg"] + 3, 2)


def flat_fee(chooser):
    fees = {"north": 4.9, "south": 6.5, "east": 9.0, "west": 7.25}
    zone = chooser.choice(sorted(fees))
    return {"zone": zone}, fees[zone]


def income_tax(chooser):
    income = chooser.randint(0, 160) * 500
    if income < 10_000:
        return {"income": income}, 0
    if income < 30_000:
        return {"income": income}, round((income - 10_000) * 0.2, 2)
    return {"income": income}, round(4000 + (income - 30_000) * 0.4, 2)


def delivery_fee(chooser):
    row = {"total": round(chooser.uniform(1, 120), 2), "member": chooser.random() < 0.5}
    return row, 0 if row["member"] or row["total"] >= 50 else 4.95


def optional_duration(chooser):
    took = chooser.choice([None, chooser.randint(1, 5000)])
    tail = "" if took is None else f" (duration={took}ms)"
    return {"line": f"job {chooser.randint(1, 99)} done{tail}"}, took


@pytest.mark.parametrize("make", [shipping, flat_fee, income_tax, delivery_fee, optional_duration])
def test_formulas_for_kinds_of_input_are_told_apart(make):
    ranked, others = solve(make, 70)
    assert share_right(ranked, others) >= 0.95, ranked.fragment.source


def test_two_wrong_answers_do_not_spoil_the_formula_and_are_named():
    chooser = random.Random(5)
    rows = [line_total(chooser) for _ in range(60)]
    inputs = [row for row, _ in rows]
    values = [total for _, total in rows]
    values[7] += 100
    values[31] = 3.0
    fields = input_fields(TASK, [Example(input=i, output=o) for i, o in rows])
    ranked = solve_number(inputs, values, fields, function="answer", seed=0)[0]
    others = [Example(input=i, output=o) for i, o in (line_total(chooser) for _ in range(40))]
    assert share_right(ranked, others) == 1.0
    assert any("8, 32" in note for note in ranked.notes)


def test_what_no_formula_fits_scores_low():
    chooser = random.Random(9)
    inputs = [{"a": chooser.randint(1, 99)} for _ in range(40)]
    values = [chooser.randint(1, 10_000) for _ in inputs]
    fields = input_fields(TASK, [Example(input=i, output=0) for i in inputs])
    found = solve_number(inputs, values, fields, function="answer", seed=0)
    assert all(ranked.score < 0.3 for ranked in found)


def test_a_group_of_few_among_many_examples_learns_no_noise_by_heart():
    chooser = random.Random(3)
    inputs = [
        {"kind": "abcd"[number % 4], **{name: chooser.randint(1, 99) for name in "xyz"}}
        for number in range(20)
    ]
    values = [chooser.randint(1, 9) for _ in inputs]
    fields = input_fields(TASK, [Example(input=i, output=0) for i in inputs])
    found = solve_number(inputs, values, fields, function="answer", seed=0)
    assert all(ranked.score < 0.5 for ranked in found)


def perimeter(chooser):
    row = {"width": chooser.randint(1, 99), "height": chooser.randint(1, 99)}
    return row, 2 * row["width"] + 2 * row["height"]


def per_cent_off(chooser):
    row = {"price": 10 * chooser.randint(1, 30), "off": 5 * chooser.randint(1, 15)}
    return row, row["price"] * (100 - row["off"]) / 100


def fare(chooser):
    distance = chooser.randint(1, 60)
    return {"km": distance}, 5 + 2 * distance


@pytest.mark.parametrize("make", [perimeter, per_cent_off, fare])
def test_three_examples_of_a_simple_formula_are_enough(make):
    ranked, others = solve(make, 3)
    assert share_right(ranked, others) == 1.0


def score_out_of_ten(chooser):
    row = {"minutes": chooser.randint(0, 90), "broken": chooser.randint(0, 4)}
    return row, max(0, round(10 - 0.1 * row["minutes"] - 2 * row["broken"], 1))


def capped_fee(chooser):
    amount = chooser.randint(10, 900)
    return {"amount": amount}, min(25, max(5, round(amount * 0.05, 2)))


@pytest.mark.parametrize("make", [score_out_of_ten, capped_fee])
def test_a_formula_is_held_between_its_least_and_greatest_value(make):
    ranked, others = solve(make, 60)
    assert share_right(ranked, others) == 1.0
    assert "max(" in ranked.fragment.source
