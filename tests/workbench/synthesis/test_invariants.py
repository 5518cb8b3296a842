"""What a task says of every answer: where it may be said, and that no program breaks it."""

import json

import pytest
from made_examples import task_of

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError
from runtime.models import Example, TaskSpecification
from runtime.sandbox import Sandbox
from runtime.tasks import load_task, write_task
from workbench.synthesis.invariants import Invariants
from workbench.synthesis.strategy import Candidate
from workbench.synthesis.synthesizer import synthesize

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 80}},
    "required": ["text"],
}
SHORTEN = 'def run(input_data):\n    return input_data["text"][:3]\n'
REPEAT = 'def run(input_data):\n    text = input_data["text"]\n    return text[:3] or "none"\n'


class Proposes:
    """A strategy that proposes these sources, the first first."""

    name = "fixed"

    def __init__(self, *sources):
        self.sources = sources

    def propose(self, task, train, *, seed, progress=lambda message: None):
        for number, source in enumerate(self.sources):
            yield Candidate("fixed", f"program {number}", source)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def shortening(*invariants):
    examples = [
        Example(input={"text": f"{letter}{number} and more"}, output=f"{letter}{number} ")
        for number in range(4)
        for letter in "abcdefgh"
    ]
    return TaskSpecification(
        name="a-task",
        description="The first three letters.",
        input_schema=TEXT,
        output_schema={"type": "string"},
        examples=examples,
        invariants=invariants,
    )


def written(tmp_path, invariants):
    data_dir = DataDir(tmp_path)
    write_task(data_dir, shortening())
    file = data_dir.task_file("a-task")
    file.write_text(file.read_text() + "invariants:\n" + invariants)
    return data_dir, file


def test_an_invariant_is_an_expression_alone_or_with_its_reason(tmp_path):
    data_dir, _ = written(
        tmp_path,
        "- len(output) <= 3\n- check: output in input['text']\n  because: It is copied from it.\n",
    )
    task = load_task(data_dir, "a-task")
    assert [own.check for own in task.invariants] == [
        "len(output) <= 3",
        "output in input['text']",
    ]
    assert task.invariants[1].because == "It is copied from it."
    write_task(data_dir, task)
    assert load_task(data_dir, "a-task").invariants == task.invariants


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("len(output", "is no Python expression"),
        ("output = 3", "is no Python expression"),
        ("outptu > 3", "names 'outptu'"),
        ("open('/etc/passwd') and output", "names 'open'"),
        ("__import__('os') and output", "names '__import__'"),
        ("output.__class__ == str", "none may begin with '_'"),
        ("(lambda: output)()", "a lambda"),
        ("(x := output) > 3", "an assignment"),
        ("len(input['text']) > 3", "says nothing of the output"),
        ("output + " * 500 + "output", "longer than 2000"),
    ],
    ids=lambda text: text[:14],
)
def test_a_faulty_invariant_is_named_with_file_line_and_field(tmp_path, expression, says):
    data_dir, file = written(tmp_path, f"- len(output) < 9\n- {json.dumps(expression)}\n")
    with pytest.raises(InvalidInputError) as caught:
        load_task(data_dir, "a-task")
    (problem,) = caught.value.problems
    line = file.read_text().splitlines().index("- len(output) < 9") + 2
    assert says in problem.message
    assert (problem.file, problem.line) == (file, line)
    assert problem.field.startswith("invariants.1")


def test_what_is_no_text_is_no_invariant(tmp_path):
    data_dir, _ = written(tmp_path, "- 17\n")
    with pytest.raises(InvalidInputError, match=r"invariants\.0"):
        load_task(data_dir, "a-task")


def test_a_program_that_breaks_an_invariant_on_a_made_input_is_not_chosen(sandbox):
    task = shortening({"check": "output in input['text']", "because": "it is copied"})
    outcome = synthesize(task, [Proposes(REPEAT), Proposes(SHORTEN)], sandbox=sandbox)
    assert outcome.chosen.candidate.source == SHORTEN
    reason = outcome.skipped["fixed"]
    assert "on a made input, the invariant `output in input['text']`" in reason
    assert '{"text": ""}' in reason and '"none"' in reason and "because it is copied" in reason


def test_an_answer_that_its_schema_forbids_is_no_answer_to_judge(sandbox):
    silent = 'def run(input_data):\n    return input_data.get("text", "")[:3] or None\n'
    outcome = synthesize(shortening("len(output) <= 3"), [Proposes(silent)], sandbox=sandbox)
    assert outcome.chosen.candidate.source == silent


def test_the_next_proposal_of_the_same_strategy_takes_its_place(sandbox):
    task = shortening("output in input['text']")
    outcome = synthesize(task, [Proposes(REPEAT, SHORTEN)], sandbox=sandbox)
    assert outcome.chosen.candidate.label == "program 1"


def test_what_held_stands_in_the_report(sandbox):
    outcome = synthesize(
        shortening("len(output) <= 3"), [Proposes(SHORTEN)], sandbox=sandbox, seed=3
    )
    held = outcome.chosen.report["invariants"]
    assert held["hold"] == ["len(output) <= 3"]
    assert held["example_inputs"] == 32 and held["made_inputs"] > 100


def test_without_invariants_every_program_may_be_chosen(sandbox):
    outcome = synthesize(shortening(), [Proposes(REPEAT)], sandbox=sandbox)
    assert outcome.chosen.candidate.source == REPEAT
    assert "invariants" not in outcome.chosen.report


def test_where_no_program_holds_the_input_is_named(sandbox):
    task = shortening("len(output) == 3")
    with pytest.raises(LoopaiError, match=r"does not hold for the input"):
        synthesize(task, [Proposes(SHORTEN)], sandbox=sandbox)


def test_examples_that_break_an_invariant_are_named_by_row(sandbox):
    task = shortening("output != 'b1 '")
    with pytest.raises(InvalidInputError) as caught:
        synthesize(task, [Proposes(SHORTEN)], sandbox=sandbox, examples_file="examples.jsonl")
    (problem,) = caught.value.problems
    row = [example.output for example in task.examples].index("b1 ") + 1
    assert (problem.file, problem.line, problem.field) == ("examples.jsonl", row, "output")


def test_an_invariant_that_cannot_be_judged_counts_as_broken_and_says_why(sandbox):
    invariants = Invariants(
        task_of({"type": "string"}, invariants=["output['no such key'] > 1"]), sandbox
    )
    (broken,) = invariants.broken([({"text": "a"}, "abc")])
    assert "cannot be judged: TypeError" in broken.sentence


def test_an_endless_invariant_ends_with_the_sandbox_time_limit():
    from runtime.sandbox import Limits

    endless = "output == '' or any(n < 0 for n in range(10 ** 12))"
    task = task_of({"type": "string"}, invariants=[endless])
    with Sandbox(limits=Limits(timeout_ms=200)) as strict:
        (broken,) = Invariants(task, strict).broken([({}, "a")])
    assert "cannot be judged" in broken.sentence


@pytest.mark.parametrize(
    "expression",
    [
        "re.fullmatch(r'[a-z]\\d ', output) is not None",
        "all(part.isalnum() for part in output.split())",
        "output.strip() == input.get('text', '')[:3].strip()",
        "isinstance(output, str) and 0 < len(output) <= 3",
        "math.isfinite(len(output)) and sorted(set(output)) != []",
        "unicodedata.normalize('NFC', output) == output",
    ],
    ids=lambda text: text[:12],
)
def test_what_people_want_to_say_can_be_said(sandbox, expression):
    task = shortening(expression)
    pairs = [(example.input, example.output) for example in task.examples]
    assert Invariants(task, sandbox).broken(pairs) == []
