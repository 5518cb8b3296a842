"""`loopai rules`: a rule document written by hand, checked against its task and compiled."""

from __future__ import annotations

from pathlib import Path

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError
from runtime.models import TaskSpecification
from runtime.sandbox.gate import pass_gate
from runtime.tasks import load_task
from workbench.console import out
from workbench.synthesis.dsl.checking import check_rules
from workbench.synthesis.dsl.compiling import compile_rules
from workbench.synthesis.dsl.document import RulesDocument
from workbench.synthesis.dsl.reading import load_rules

file_argument = click.argument("file", type=click.Path(path_type=Path))
task_option = click.option("--task", required=True, help="The task that the rules answer.")


EXAMPLE = """\b
A rule file is YAML; the first part that has an answer gives it:
  v: 1
  rules:
    - when: {field: text, any_of: [free, winner], minimum: 2}
      then: spam
      confidence: 0.9
  lookup: {field: code, table: {a1: spam}}
  default: ham
Also extract: (a pattern with named groups) and score: (points for each label).
"""


@click.group("rules", help="Check and compile a rule file by hand.", epilog=EXAMPLE)
def command() -> None:
    pass


@command.command("check", help="Say what is wrong with a rule file, line by line.")
@file_argument
@task_option
@data_dir_option
@json_option
def check(file: Path, task: str, data_dir: DataDir, as_json: bool) -> None:
    document, _ = _sound_document(file, task, data_dir)
    if as_json:
        print_json({"ok": True, "file": str(file), "task": task, "rules": len(document.rules)})
    else:
        out.print(f"{file} is sound and fits {task}.", markup=False)


@command.command("compile", help="Print the Python that a rule file becomes.")
@file_argument
@task_option
@click.option("--output", type=click.Path(path_type=Path), help="Write it there instead.")
@data_dir_option
@json_option
def compile_file(
    file: Path, task: str, output: Path | None, data_dir: DataDir, as_json: bool
) -> None:
    document, specification = _sound_document(file, task, data_dir)
    source = compile_rules(document, specification)
    pass_gate(source)
    if output is not None:
        write_atomic(output, source)
    if as_json:
        print_json(
            {
                "task": task,
                "file": str(file),
                "output": str(output) if output else None,
                "source": source,
            }
        )
    elif output is not None:
        out.print(f"{output} written.", markup=False)
    else:
        click.echo(source, nl=False)


def _sound_document(
    file: Path, task: str, data_dir: DataDir
) -> tuple[RulesDocument, TaskSpecification]:
    """The document and its task. Raises LoopaiError with every problem found."""
    specification = load_task(data_dir, task)
    document = load_rules(file)
    if problems := check_rules(document, specification):
        raise InvalidInputError(problems)
    return document, specification
