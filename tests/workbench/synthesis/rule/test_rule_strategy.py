"""The rule strategy from examples to programs that run in the sandbox."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.models import Example, Strategy, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.rule.strategy import RuleStrategy
from workbench.synthesis.strategy import NotApplicableError


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def task_of(output_schema):
    return TaskSpecification.model_validate(
        {
            "name": "made-here",
            "description": "Made for a test.",
            "input_schema": {"type": "object"},
            "output_schema": output_schema,
        }
    )


def propose(pairs, output_schema=None, seed=0):
    examples = [Example(input=data, output=output) for data, output in pairs]
    return list(RuleStrategy().propose(task_of(output_schema or {}), examples, seed=seed))


def outputs(sandbox, candidate, inputs):
    results = sandbox.run(sandbox.load(candidate.source), inputs)
    assert [result.error for result in results] == [None] * len(inputs)
    return [result.output for result in results]


def tickets(count, seed=0):
    chooser = random.Random(seed)
    for _ in range(count):
        team, words = chooser.choice(
            [
                ("billing", ["invoice", "refund", "paid"]),
                ("access", ["password", "login", "locked"]),
            ]
        )
        urgent = chooser.random() < 0.5
        text = f"My {chooser.choice(words)} {chooser.choice(['is', 'was'])} wrong{'!' * urgent}"
        number = chooser.randint(1000, 9999)
        yield {"text": f"{text} Ticket #{number}"}, team, urgent, number


def test_each_candidate_says_what_it_is_and_carries_its_estimate(sandbox):
    pairs = [(data, team) for data, team, _, _ in tickets(60)]
    found = propose(pairs)
    assert [each.strategy for each in found] == [Strategy.RULE] * len(found)
    assert all(each.notes and each.label for each in found)
    assert found[0].parameters["estimated_accuracy"] > 0.9
    unseen = list(tickets(100, seed=1))
    answers = outputs(sandbox, found[0], [data for data, *_ in unseen])
    right = sum(answer == team for answer, (_, team, _, _) in zip(answers, unseen, strict=True))
    assert right >= 95


def test_an_object_is_made_field_by_field_with_objects_inside(sandbox):
    def expected(team, urgent, number):
        return {"routing": {"team": team, "urgent": urgent}, "number": number}

    pairs = [(data, expected(*rest)) for data, *rest in tickets(80)]
    unseen = list(tickets(40, seed=1))
    answers = outputs(sandbox, propose(pairs)[0], [data for data, *_ in unseen])
    right = [found == expected(*rest) for found, (_, *rest) in zip(answers, unseen, strict=True)]
    assert sum(right) >= 38


def test_what_some_outputs_lack_is_left_out_and_what_is_null_stays_null(sandbox):
    def example(name, mail):
        text = f"{name} <{mail}>" if mail else name
        output = {"name": name, "contact": {"mail": mail} if mail else None}
        return {"text": text}, output | ({"known": True} if mail else {})

    people = ["ada", "grace", "alan", "edsger", "barbara", "donald", "tony", "niklaus"]
    rows = [example(who, f"{who}@example.org" if n % 2 else None) for n, who in enumerate(people)]
    found = outputs(sandbox, propose(rows)[0], [{"text": "kay <kay@example.org>"}, {"text": "joe"}])
    assert found == [
        {"name": "kay", "contact": {"mail": "kay@example.org"}, "known": True},
        {"name": "joe", "contact": None},
    ]


def test_a_number_and_a_text_are_solved_by_example(sandbox):
    numbers = [({"net": n}, round(n * 1.2, 2)) for n in (10, 25, 40, 55.5, 60, 99, 120, 300)]
    assert outputs(sandbox, propose(numbers)[0], [{"net": 200}]) == [240]
    names = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Tony Hoare", "Barbara Liskov"]
    texts = [({"name": name}, f"{name.split()[1]}, {name[0]}.") for name in names]
    assert outputs(sandbox, propose(texts)[0], [{"name": "Donald Knuth"}]) == ["Knuth, D."]


def test_a_class_that_can_be_read_off_the_input_is_read_off(sandbox):
    levels = ["INFO", "WARN", "ERROR"] * 8
    pairs = [
        ({"line": f"12:0{n % 10} {level} all is said"}, level) for n, level in enumerate(levels)
    ]
    found = outputs(sandbox, propose(pairs)[0], [{"line": "12:07 DEBUG never seen before"}])
    assert found == ["DEBUG"]


def test_outputs_without_a_pattern_are_declined_in_words():
    chooser = random.Random(0)
    pairs = [({"n": n}, "".join(chooser.choices("abcdefghijkl", k=12))) for n in range(12)]
    with pytest.raises(NotApplicableError, match="no rule"):
        propose(pairs)


def test_no_examples_are_declined_in_words():
    with pytest.raises(NotApplicableError, match="no examples"):
        propose([])


def test_fields_named_like_parts_of_a_program_do_no_harm(sandbox):
    names = ["input", "str", "points", "class", "a_value", "a", "run", "1st", "größe", "x.y"]
    pairs = [
        (dict.fromkeys(names, number * 7 % 20), dict.fromkeys(names, number % 2 == 0))
        for number in range(40)
    ]
    found = outputs(sandbox, propose(pairs)[0], [data for data, _ in pairs])
    assert [set(output) for output in found] == [set(names)] * len(pairs)


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed():
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_rule_strategy import propose, tickets
rows = list(tickets(24))
classes = [(data, team) for data, team, _, _ in rows]
objects = [(data, {{"team": team, "number": number}}) for data, team, _, number in rows]
for candidate in [*propose(classes, seed=3), *propose(objects, seed=3)]:
    print(candidate.label, candidate.source)
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != ""
