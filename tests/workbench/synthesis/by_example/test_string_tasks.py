"""String tasks in the style of FlashFill and SyGuS, each learned from three examples."""

import pytest
from string_tasks import load_tasks, solve_task

from runtime.sandbox import Sandbox


@pytest.fixture(scope="module")
def outcomes():
    with Sandbox() as sandbox:
        return [solve_task(task, sandbox) for task in load_tasks("tasks")]


@pytest.mark.slow
def test_of_the_tasks_at_least_85_in_100_are_solved_from_three_examples(outcomes):
    assert len(outcomes) >= 40
    unsolved = [outcome.name for outcome in outcomes if not outcome.solved]
    assert len(unsolved) <= 0.15 * len(outcomes), f"unsolved: {unsolved}"


def test_no_task_takes_as_long_as_five_seconds(outcomes):
    slow = {outcome.name: outcome.seconds for outcome in outcomes if outcome.seconds >= 5}
    assert len(slow) <= len(outcomes) // 20, slow


def test_programs_are_short(outcomes):
    lengths = sorted(outcome.lines for outcome in outcomes)
    assert lengths[len(lengths) // 2] <= 30


@pytest.mark.parametrize("task", load_tasks("kinds_of_tasks"), ids=lambda task: task.name)
def test_three_examples_are_read_as_a_person_would(task):
    with Sandbox() as sandbox:
        outcome = solve_task(task, sandbox)
    assert outcome.solved, outcome.missed
