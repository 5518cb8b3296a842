"""The program kept is made again from all examples, unless that gives a worse one."""

import pytest
from made_examples import examples_of, task_of

from runtime.sandbox import Sandbox
from workbench.synthesis.strategy import Candidate
from workbench.synthesis.synthesizer import synthesize

RIGHT = 'def run(input_data):\n    return "b" if input_data["text"] >= "m" else "a"\n'
WORSE = 'def run(input_data):\n    return "a"\n'


class FromAll:
    """Right when made from a part of the examples; this when made from all of them."""

    name = "fixed"

    def __init__(self, examples, from_all):
        self.examples = examples
        self.from_all = from_all

    def propose(self, task, train, *, seed, progress=lambda message: None):
        complete = len(train) == len(self.examples)
        label = "from all" if complete else "from a part"
        yield Candidate("fixed", label, self.from_all if complete else RIGHT)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def letters():
    texts = [f"{letter}{number}" for letter in "abcdefghmnopqrst" for number in range(5)]
    examples = examples_of(
        [{"text": text} for text in texts], ["b" if text >= "m" else "a" for text in texts]
    )
    return task_of({"enum": ["a", "b"]}, examples=examples)


@pytest.mark.parametrize(
    ("from_all", "kept"), [(WORSE, "from a part"), (RIGHT, "from all")], ids=["worse", "as-good"]
)
def test_a_program_that_more_examples_made_worse_is_not_kept(sandbox, from_all, kept):
    task = letters()
    outcome = synthesize(task, [FromAll(task.examples, from_all)], sandbox=sandbox)
    chosen = outcome.ranked[0]
    assert chosen.candidate.label == kept
    assert chosen.accuracy == 1.0
