"""Tasks read from files: what a person wrote is checked line by line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from runtime.models import Example
from runtime.strict_json import parse_strictly
from runtime.tasks import add_examples, load_task, write_task

GOOD = """\
v: 1
name: spam
description: Tell spam from ham.
input_schema: {type: object, properties: {text: {type: string}}, required: [text]}
output_schema: {enum: [spam, ham]}
"""


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


def write(data_dir, yaml=GOOD, lines=()):
    data_dir.task("spam").mkdir(parents=True, exist_ok=True)
    data_dir.task_file("spam").write_text(yaml, encoding="utf-8")
    data_dir.examples_file("spam").write_bytes(
        b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines)
    )


def problems(data_dir):
    with pytest.raises(LoopaiError) as caught:
        load_task(data_dir, "spam")
    return caught.value.problems


def test_a_task_and_its_examples_are_read(data_dir):
    write(data_dir, lines=['{"input": {"text": "buy"}, "output": "spam"}'])
    task = load_task(data_dir, "spam")
    assert task.examples == (Example(input={"text": "buy"}, output="spam"),)
    assert task.accuracy_target == 0.9
    assert task.id == load_task(data_dir, "spam").id


def test_a_written_task_reads_back_the_same(data_dir):
    write(data_dir, lines=['{"input": {"text": "buy"}, "output": "spam"}'])
    task = load_task(data_dir, "spam")
    write_task(data_dir, task)
    assert load_task(data_dir, "spam") == task


def test_an_unknown_task_names_the_known_ones(data_dir):
    write(data_dir)
    with pytest.raises(NotFoundError, match="spam"):
        load_task(data_dir, "other")


@pytest.mark.parametrize("name", ["../spam", "a/b", "", "UPPER", "a" * 80, "a\x00b", "-a"])
def test_a_name_that_is_no_slug_never_becomes_a_path(data_dir, name):
    with pytest.raises(InvalidInputError):
        load_task(data_dir, name)


@pytest.mark.parametrize(
    ("yaml", "line", "says"),
    [
        (GOOD.replace("{enum: [spam, ham]}", "{type: strin}"), 5, "JSON Schema"),
        (GOOD + "colour: red\n", 6, "no such key"),
        (GOOD.replace("name: spam", "name: Spam Task"), 2, "lower-case"),
        (GOOD.replace("v: 1", "v: 9"), 1, "version"),
        (GOOD + "accuracy_target: 3\n", 6, "less than or equal"),
        (GOOD.replace("type: object, ", "type: array, "), 4, "object"),
        (GOOD.replace("name: spam", "name: other"), None, "folder"),
        (GOOD.replace("{enum: [spam, ham]}", "{$ref: 'http://127.0.0.1:9/x'}"), 5, "JSON Schema"),
        ("just text", 1, "mapping"),
    ],
)
def test_a_fault_in_task_yaml_is_named_with_its_line(data_dir, yaml, line, says):
    write(data_dir, yaml)
    problem = problems(data_dir)[0]
    assert problem.line == line
    assert says in str(problem)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"input": {"text": "x"}, "output": "maybe"}', "output"),
        ('{"input": {"txt": "x"}, "output": "spam"}', "text"),
        ('{"input": "x", "output": "spam"}', "must be an object"),
        ('{"input": {"text": "x"}}', "needs the keys"),
        ('{"input": {"text": "x"}, "output": "spam", "label": 1}', "no such key"),
        ('{"input": {"text": NaN}, "output": "spam"}', "NaN is not JSON"),
        ('{"input": {"text": "a\\u0000b"}, "output": "spam"}', "NUL"),
        ('{"input": {"text": "\\ud800"}, "output": "spam"}', "surrogate"),
        ('{"input": {"text": "x", "text": "y"}, "output": "spam"}', "twice"),
        ("[" * 100_000, "nested deeper"),
        ('{"input": {"text": ' + "[" * 90 + "]" * 90 + '}, "output": "spam"}', "nested deeper"),
        ('{"input": {"text": "' + "x" * 10_000_000 + '"}, "output": "spam"}', "bytes"),
        (b"\xff\xfe\n", "UTF-8"),
        ("not json", "not JSON"),
        ('{"input": {"text": 1e999}, "output": "spam"}', "number"),
        ('{"input": {"text": [-1e999]}, "output": "spam"}', "too large for a float"),
        (f'{{"input": {{"text": 1{"0" * 400}}}, "output": "spam"}}', "too large for a float"),
        (f'{{"input": {{"text": {"9" * 6000}}}, "output": "spam"}}', "too large for a float"),
    ],
)
def test_a_bad_example_is_named_with_its_line(data_dir, line, says):
    write(data_dir, lines=['{"input": {"text": "fine"}, "output": "ham"}', line])
    problem = problems(data_dir)[0]
    assert problem.line == 2
    assert says in str(problem)


def test_many_bad_lines_are_reported_together_but_not_without_end(data_dir):
    write(data_dir, lines=["nonsense"] * 500)
    assert len(problems(data_dir)) == 20


def test_added_examples_replace_an_equal_input_and_are_kept(data_dir):
    write(data_dir, lines=['{"input": {"text": "buy"}, "output": "ham"}'])
    task = load_task(data_dir, "spam")
    changed, _ = add_examples(
        data_dir,
        task,
        [
            Example(input={"text": "buy"}, output="spam"),
            Example(input={"text": "hello"}, output="ham"),
        ],
    )
    assert changed == 2
    outputs = {e.input["text"]: e.output for e in load_task(data_dir, "spam").examples}
    assert outputs == {"buy": "spam", "hello": "ham"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_strict_parsing_gives_back_what_json_wrote(value):
    assert parse_strictly(json.dumps(value)) == value


@given(st.binary() | st.text())
def test_strict_parsing_of_anything_gives_a_value_or_a_reason(content):
    try:
        parse_strictly(content)
    except ValueError as error:
        assert str(error)
