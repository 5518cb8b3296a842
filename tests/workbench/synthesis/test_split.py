"""Splits: seeded, stratified, and never with the same text on both sides."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import InvalidInputError
from runtime.models import Example, TaskSpecification
from workbench.synthesis.examples_check import check_examples
from workbench.synthesis.split import hold_out, plan_splits


def task_of(rows):
    return TaskSpecification(
        name="t",
        description="d",
        input_schema={"type": "object"},
        output_schema={},
        examples=tuple(Example(input={"text": text}, output=output) for text, output in rows),
    )


def two_classes(count):
    return [(f"text number {n}", "a" if n % 3 else "b") for n in range(count)]


def test_a_small_set_is_cross_validated_and_each_example_is_judged_once():
    checked = check_examples(task_of(two_classes(50)))
    splits = plan_splits(checked, seed=1)
    assert len(splits) == 5
    judged = sorted(index for split in splits for index in split.held_out)
    assert judged == list(range(50))


def test_a_large_set_is_split_once_with_each_class_in_proportion():
    checked = check_examples(task_of(two_classes(300)))
    (split,) = plan_splits(checked, seed=1)
    held = Counter(checked.examples[index].output for index in split.held_out)
    assert held == {"a": 50, "b": 25}


def test_the_seed_decides_the_split():
    checked = check_examples(task_of(two_classes(300)))
    assert plan_splits(checked, 1) == plan_splits(checked, 1)
    assert plan_splits(checked, 1) != plan_splits(checked, 2)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Buy", "buy ", "SELL", "sell", "x  y", "X y", "z"]),
            st.integers(0, 30),
            st.sampled_from("ab"),
        ),
        min_size=8,
    ),
    st.integers(0, 5),
)
def test_texts_that_differ_only_in_case_and_space_stay_on_one_side(rows, seed):
    task = task_of([(f"{word} {number}", label) for word, number, label in rows])
    try:
        checked = check_examples(task)
    except InvalidInputError:
        return
    split = hold_out(checked, 0.5, seed)
    assert sorted(split.train + split.held_out) == list(range(len(checked.examples)))
    sides = {
        frozenset(checked.groups[index] for index in side) for side in (split.train, split.held_out)
    }
    if len(sides) == 2:
        one, other = sides
        assert not one & other


def test_contradictory_rows_are_named_and_set_aside():
    rows = [*two_classes(20), ("same", "a"), ("same", "b")]
    checked = check_examples(task_of(rows))
    assert len(checked.examples) == 20
    assert "rows 21, 22" in str(checked.warnings[0])


def test_repeated_rows_count_once():
    checked = check_examples(task_of([*two_classes(20), ("text number 3", "b")]))
    assert len(checked.examples) == 20
    assert "21" in str(checked.warnings[0])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "0 usable examples"),
        ([("a", "x"), ("b", "y")], "2 usable"),
        ([(str(n), "x") for n in range(20)], "nothing to tell"),
    ],
)
def test_a_set_that_teaches_nothing_is_refused_in_words(rows, says):
    task = task_of(rows).model_copy(update={"output_schema": {"enum": ["x", "y"]}})
    with pytest.raises(InvalidInputError, match=says):
        check_examples(task)


def test_a_class_with_few_examples_is_named_with_its_rows():
    rows = [*two_classes(20), ("rare", "c")]
    task = task_of(rows).model_copy(update={"output_schema": {"enum": ["a", "b", "c", "d"]}})
    text = " ".join(str(warning) for warning in check_examples(task).warnings)
    assert '"c" (row 21)' in text
    assert '"d"' in text
