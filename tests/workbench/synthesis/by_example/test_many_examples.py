"""Text programs from tens of examples: groups, absent answers, and answers that are wrong."""

import json
import random
from pathlib import Path

import pytest

from runtime.models import Example, TaskSpecification
from workbench.synthesis.by_example import solve_number, solve_text
from workbench.synthesis.kinds import input_fields, value_at

SAMPLES = Path(__file__).parents[4] / "sample_tasks"
TASK = TaskSpecification(
    name="texts", description="t", input_schema={"type": "object"}, output_schema={}
)


def solve(examples, values):
    number = all(value is None or isinstance(value, int | float) for value in values)
    return (solve_number if number else solve_text)(
        [example.input for example in examples],
        values,
        input_fields(TASK, examples),
        function="answer",
        seed=0,
    )[0]


def answers(ranked, examples):
    names: dict[str, object] = {}
    exec("\n".join([*ranked.fragment.imports, ranked.fragment.source]), names)
    return [names["answer"](example.input) for example in examples]


def load_halves(name, seed=1):
    lines = (SAMPLES / name / "examples.jsonl").read_text("utf-8").splitlines()
    examples = [Example(**json.loads(line)) for line in lines]
    random.Random(seed).shuffle(examples)
    half = len(examples) // 2
    return examples[:half], examples[half:]


@pytest.mark.parametrize("name", ["date-normalisation", "phone-normalisation"])
def test_a_sample_task_that_rewrites_texts_is_learned_from_half_of_it(name):
    learned, others = load_halves(name)
    ranked = solve(learned, [example.output for example in learned])
    got = answers(ranked, others)
    right = sum(a == example.output for a, example in zip(got, others, strict=True))
    assert right / len(others) >= 0.95, ranked.fragment.source


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_the_properties_of_log_lines_are_learned_from_half_of_them(seed):
    learned, others = load_halves("log-line-extraction", seed)
    for key in ("message", "duration_ms"):
        ranked = solve(learned, [value_at(example.output, (key,)) for example in learned])
        got = answers(ranked, others)
        right = sum(a == example.output[key] for a, example in zip(got, others, strict=True))
        assert right / len(others) >= 0.95, (key, ranked.fragment.source)


def person(number):
    first = ["Ada", "Alan", "Grace", "Edsger", "Barbara", "Tony"][number % 6]
    last = ["Lovelace", "Turing", "Hopper", "Dijkstra", "Liskov", "Hoare", "Li"][number % 7]
    return first, last


def test_three_wrong_answers_in_a_hundred_are_not_followed_but_named():
    people = [person(number) for number in range(100)]
    examples = [
        Example(input={"name": f"{a} {b} {n}"}, output=f"{b}, {a}")
        for n, (a, b) in enumerate(people)
    ]
    values = [example.output for example in examples]
    values[10] = "unknown"
    values[50] = values[50].upper()
    values[90] = "x"
    ranked = solve(examples, values)
    assert answers(ranked, examples) == [example.output for example in examples]
    assert any("11, 51, 91" in note for note in ranked.notes)


def test_formats_that_need_different_programs_get_a_branch_each():
    examples = []
    for number in range(60):
        first, last = person(number)
        if number % 3 == 0:
            given = f"{last.upper()}; {first} (id {number})"
        elif number % 3 == 1:
            given = f"<{first}.{last}@mail.example>"
        else:
            given = f"user: {first.lower()} / {last.lower()}"
        examples.append(Example(input={"text": given}, output=f"{first} {last}"))
    ranked = solve(examples[:40], [example.output for example in examples[:40]])
    assert answers(ranked, examples[40:]) == [example.output for example in examples[40:]]
    assert "of 40 examples" in ranked.fragment.source


def test_what_is_absent_is_answered_none():
    examples = [
        Example(
            input={"subject": f"Fix the build (CORE-{n})" if n % 2 else f"Tidy up part {n}"},
            output=f"CORE-{n}" if n % 2 else None,
        )
        for n in range(30)
    ]
    ranked = solve(examples[:20], [example.output for example in examples[:20]])
    assert answers(ranked, examples) == [example.output for example in examples]


def test_numbers_in_any_of_several_columns_are_rewritten():
    examples = [
        Example(
            input={"net": n * 1000.5, "currency": "EUR" if n % 2 else "USD"},
            output=f"{n * 1000.5:,.2f} {'EUR' if n % 2 else 'USD'}",
        )
        for n in range(1, 20)
    ]
    ranked = solve(examples[:12], [example.output for example in examples[:12]])
    assert answers(ranked, examples) == [example.output for example in examples]
