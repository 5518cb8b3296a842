"""`loopai rules` as a person runs it who writes rules by hand."""

import json

import click
import pytest
from click.testing import CliRunner
from support import make_task

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.sandbox import Sandbox
from workbench.commands.rules import command

RULES = """
v: 1
rules:
  - when: {field: text, any_of: [free, winner]}
    then: spam
    confidence: 0.9
default: ham
"""


@pytest.fixture
def rules(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir)
    (tmp_path / "mine.yaml").write_text(RULES)

    def run(verb, *arguments, file="mine.yaml"):
        options = ["--task", "spam-detection", "--data-dir", str(data_dir.root)]
        asked = [verb, str(tmp_path / file), *options, *arguments]
        return CliRunner().invoke(command, asked, standalone_mode=False, catch_exceptions=True)

    return run


def test_a_sound_file_is_said_to_fit_its_task(rules):
    assert json.loads(rules("check", "--json").output)["ok"] is True
    assert "is sound and fits spam-detection" in rules("check").output.replace("\n", "")


def test_a_file_is_compiled_to_a_program_that_runs(rules, tmp_path):
    printed = rules("compile").output
    target = tmp_path / "out" / "program.py"
    target.parent.mkdir()
    assert json.loads(rules("compile", "--output", str(target), "--json").output)["source"]
    assert target.read_text() == printed
    with Sandbox() as sandbox:
        inputs = [{"text": "You are a WINNER"}, {"text": "hello"}]
        results = sandbox.run(sandbox.load(printed), inputs)
    assert [(r.output, r.confidence) for r in results] == [("spam", 0.9), ("ham", 1.0)]


def test_every_problem_is_named_with_its_line(rules, tmp_path):
    text = RULES.replace("field: text", "field: txt").replace("then: spam", "then: eggs")
    (tmp_path / "bad.yaml").write_text(text)
    error = rules("check", file="bad.yaml").exception
    assert isinstance(error, LoopaiError)
    assert [problem.line for problem in error.problems] == [4, 5]
    assert isinstance(rules("compile", file="bad.yaml").exception, LoopaiError)
    assert isinstance(rules("check", file="none.yaml").exception, LoopaiError)


def test_the_task_must_be_named():
    with pytest.raises(click.UsageError, match="task"):
        command.main(["check", "x.yaml"], standalone_mode=False)
