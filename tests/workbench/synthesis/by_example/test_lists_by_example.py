"""Lists of texts and numbers found by example, as outputs and as fields of an output."""

import pytest

from runtime.models import Example, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.rule.strategy import RuleStrategy
from workbench.synthesis.strategy import NotApplicableError

TEXTS = {"type": "array", "items": {"type": "string"}}
NUMBERS = {"type": "array", "items": {"type": "number"}}


@pytest.fixture(scope="module")
def answers():
    """Makes a program from (text, output) pairs and answers further texts with it."""
    with Sandbox() as sandbox:

        def answer(output_schema, pairs, *texts):
            task = TaskSpecification(
                name="lists",
                description="Take the text apart.",
                input_schema={
                    "type": "object",
                    "properties": {"text": {"type": "string"}},
                    "required": ["text"],
                },
                output_schema=output_schema,
            )
            examples = [Example(input={"text": text}, output=output) for text, output in pairs]
            candidate = next(iter(RuleStrategy().propose(task, examples, seed=0)))
            program = sandbox.load(candidate.source)
            asked = [*(text for text, _ in pairs), *texts]
            results = sandbox.run(program, [{"text": text} for text in asked])
            assert [result.output for result in results[: len(pairs)]] == [o for _, o in pairs]
            return [result.output for result in results[len(pairs) :]]

        yield answer


def test_parts_between_marks(answers):
    pairs = [("red; blue ;green", ["red", "blue", "green"]), ("one", ["one"]), ("a;b", ["a", "b"])]
    assert answers(TEXTS, pairs, "up; down;left") == [["up", "down", "left"]]


def test_all_that_looks_alike_or_nothing(answers):
    pairs = [
        ("write to ann@x.com or bob@y.org", ["ann@x.com", "bob@y.org"]),
        ("nothing here", []),
        ("me: a.b@c.de!", ["a.b@c.de"]),
    ]
    assert answers(TEXTS, pairs, "z@z.zz, soon", "") == [["z@z.zz"], []]


def test_numbers(answers):
    pairs = [("12 apples and 3 pears", [12, 3]), ("none", []), ("7-8-9", [7, 8, 9])]
    assert answers(NUMBERS, pairs, "it costs 007") == [[7]]
    assert answers(
        NUMBERS, [("1.5, 2.25", [1.5, 2.25]), ("3.0", [3.0]), ("0.5", [0.5])], "2.5"
    ) == [[2.5]]


def test_text_written_from_right_to_left(answers):
    pairs = [
        ("שלום, עולם, יפה", ["שלום", "עולם", "יפה"]),
        ("אחד", ["אחד"]),
        ("כן, לא", ["כן", "לא"]),
    ]
    assert answers(TEXTS, pairs, "מים, אש") == [["מים", "אש"]]


def test_lists_as_fields_of_an_output_that_may_lack_them(answers):
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "tags": TEXTS}}
    pairs = [
        ("ann #red #blue", {"name": "ann", "tags": ["red", "blue"]}),
        ("bob", {"name": "bob"}),
        ("cid #x", {"name": "cid", "tags": ["x"]}),
        ("dan #one #two #three", {"name": "dan", "tags": ["one", "two", "three"]}),
    ]
    assert answers(schema, pairs, "eve #new", "fay") == [
        {"name": "eve", "tags": ["new"]},
        {"name": "fay"},
    ]


def test_what_is_not_to_be_found_is_not_made_up():
    task = TaskSpecification(
        name="lists", description="Made up.", input_schema={"type": "object"}, output_schema=TEXTS
    )
    pairs = [("ab", ["q", "w"]), ("cd", ["e"]), ("ef", ["r", "t", "y"]), ("gh", [])]
    examples = [Example(input={"text": text}, output=output) for text, output in pairs]
    with pytest.raises(NotApplicableError):
        RuleStrategy().propose(task, examples, seed=0)
