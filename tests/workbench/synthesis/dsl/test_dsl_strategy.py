"""Rule documents induced from examples: what they answer on inputs that were not among these."""

import random
from pathlib import Path

import pytest

from runtime.models import Example, Strategy, TaskSpecification
from runtime.sandbox import Sandbox
from runtime.tasks import read_examples, read_task_file
from workbench.synthesis.dsl import check_rules, compile_rules, parse_rules
from workbench.synthesis.dsl.strategy import DslStrategy
from workbench.synthesis.strategy import NotApplicableError

SAMPLES = Path(__file__).parents[4] / "sample_tasks"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def sample(name, seed=0):
    """A sample task, and its examples in two halves."""
    task = read_task_file(SAMPLES / name / "task.yaml")
    examples = read_examples(SAMPLES / name / "examples.jsonl", task)
    random.Random(seed).shuffle(examples)
    half = len(examples) // 2
    return task, examples[:half], examples[half:]


def text_task(pairs, output_schema=None):
    task = TaskSpecification.model_validate(
        {
            "name": "made",
            "description": "Made for a test.",
            "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
            "output_schema": output_schema or {},
        }
    )
    return task, [Example(input={"text": text}, output=output) for text, output in pairs]


def propose(task, train):
    return list(DslStrategy().propose(task, train, seed=1))


def right(sandbox, candidate, examples):
    results = sandbox.run(sandbox.load(candidate.source), [each.input for each in examples])
    return sum(r.output == e.output for r, e in zip(results, examples, strict=True)) / len(examples)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_log_lines_are_taken_apart_by_one_pattern_with_optional_groups(sandbox, seed):
    task, train, test = sample("log-line-extraction", seed)
    candidate = propose(task, train)[0]
    assert right(sandbox, candidate, test) >= 0.98
    assert parse_rules(candidate.dsl).extract.patterns[0].count("(?P<") == 6


def test_dates_are_read_by_a_list_of_formats(sandbox):
    task, train, test = sample("date-normalisation")
    candidate = propose(task, train)[0]
    assert right(sandbox, candidate, test) >= 0.95
    assert "as:" in candidate.dsl and "%d.%m.%Y" in candidate.dsl


@pytest.mark.parametrize("name", ["log-line-extraction", "date-normalisation"])
def test_the_document_of_a_candidate_fits_its_task_and_compiles_to_its_program(name):
    task, train, _ = sample(name)
    for candidate in propose(task, train):
        document = parse_rules(candidate.dsl)
        assert candidate.strategy is Strategy.DSL
        assert check_rules(document, task) == []
        assert compile_rules(document, task) == candidate.source


def test_classes_are_told_by_rules_or_scores_that_compile_to_the_candidate(sandbox):
    moods = [("I love this {}", "good"), ("what a bad {}", "bad"), ("the {} was fine", "good")]
    things = ["film", "song", "trip", "meal", "shop", "game", "room", "book"]
    pairs = [(text.format(thing), mood) for thing in things for text, mood in moods]
    task, examples = text_task(pairs, {"enum": ["good", "bad"]})
    candidates = propose(task, examples)
    assert right(sandbox, candidates[0], examples) == 1
    for candidate in candidates:
        document = parse_rules(candidate.dsl)
        assert check_rules(document, task) == []
        assert compile_rules(document, task) == candidate.source


def test_a_tree_becomes_rules_of_its_paths(sandbox):
    task, train, test = sample("order-risk")
    few = train[:120]
    candidates = propose(task, few)
    trees = [each for each in candidates if "tree" in each.label]
    assert trees
    assert right(sandbox, trees[0], test[:100]) > 0.6
    assert compile_rules(parse_rules(trees[0].dsl), task) == trees[0].source


def test_key_value_pairs_with_one_optional_in_the_middle_are_taken_apart(sandbox):
    users = ["ann", "bo-b", "carla", "dee", "eva", "finn", "gus", "hal"]
    pairs = [
        (
            f'user={user};{f" age={number};" if number % 3 else ""} said "{user} was here"',
            {"user": user, "age": number if number % 3 else None, "words": f"{user} was here"},
        )
        for number, user in enumerate(users, start=11)
    ]
    task, examples = text_task(pairs)
    candidate = propose(task, examples)[0]
    unseen = [Example(input={"text": 'user=zoë; age=70; said "no"'},
                      output={"user": "zoë", "age": 70, "words": "no"}),
              Example(input={"text": 'user=x1; said "a; b"'},
                      output={"user": "x1", "age": None, "words": "a; b"})]  # fmt: skip
    assert right(sandbox, candidate, [*examples, *unseen]) == 1


def test_a_number_inside_a_text_is_found_by_what_stands_around_it(sandbox):
    pairs = [
        (f"Order {1000 + n} of {n} May: total {n * 37}.{n:02d} EUR, thank you", n * 37 + n / 100)
        for n in range(1, 21)
    ]
    task, examples = text_task(pairs, {"type": "number"})
    candidate = propose(task, examples)[0]
    unseen = Example(input={"text": "Order 7 of 3 May: total 9.99 EUR, thank you"}, output=9.99)
    assert right(sandbox, candidate, [*examples, unseen]) == 1


def test_repeated_texts_become_a_lookup(sandbox):
    capitals = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima"}
    pairs = [(country, city) for country, city in capitals.items() for _ in range(2)]
    task, examples = text_task(pairs, {"type": "string", "maxLength": 40})
    found = [each for each in propose(task, examples) if "lookup" in (each.dsl or "")]
    candidates = found or pytest.fail("no lookup")
    assert right(sandbox, candidates[0], examples) == 1


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([("a", "x")], "too few"),
        ([(f"n{i}", f"{i * 7919 % 1000}q{i}") for i in range(30)], "does not stand in 'text'"),
        ([(f"n{i}", [i]) for i in range(30)], "makes classes, texts, numbers and objects"),
    ],
)
def test_what_no_document_can_say_is_declined_with_the_reason(pairs, why):
    task, examples = text_task(pairs)
    with pytest.raises(NotApplicableError, match=why):
        propose(task, examples)
