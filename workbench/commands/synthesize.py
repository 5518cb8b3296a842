"""`loopai synthesize`: from examples to an evaluated version."""

from __future__ import annotations

from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError
from runtime.models import Strategy, TaskSpecification
from runtime.tasks import load_task
from workbench.commands.model_progress import ModelProgress
from workbench.commands.progress import Progress
from workbench.console import out, percent, print_table
from workbench.console import progress as errors
from workbench.synthesis.by_model.made_examples import read_unlabelled
from workbench.synthesis.by_model.session import model_settings
from workbench.synthesis.journal import Journal
from workbench.synthesis.publish import comparison, program_hash
from workbench.synthesis.runs import Made, Plan, begin, replay, resume
from workbench.synthesis.synthesizer import Outcome


def make_version(
    data_dir: DataDir, task: TaskSpecification, strategies: tuple[str, ...], seed: int
) -> tuple[Outcome, int]:
    """Synthesize without a model, with progress on standard error; store the chosen program."""
    with Progress() as progress:
        made = begin(data_dir, Plan(task, seed, strategies), progress.say)
    return made.outcome, made.version


def make_version_with(
    data_dir: DataDir,
    task: TaskSpecification,
    strategies: tuple[str, ...],
    seed: int,
    model: str | None,
) -> Made:
    """The same with a language model, where one is named here or in the configuration.

    One named here must be there; without one that is only configured it goes on, and says so.
    """
    config = load_deployment(data_dir.deployment_file)
    name = model or config.text("synthesis", "model")
    if name is None:
        with Progress() as progress:
            return begin(data_dir, Plan(task, seed, strategies), progress.say)
    from workbench.language_model.server import OllamaServer

    server = OllamaServer.configured(config)
    try:
        digest = server.digest_of(name)
    except LoopaiError as absent:
        if model:
            raise
        errors.print(f"note: {absent}", markup=False, style="yellow")
        with Progress() as progress:
            return begin(data_dir, Plan(task, seed, strategies), progress.say)
    settings = model_settings(config.synthesis, name, read_unlabelled(data_dir, task))
    plan = Plan(task, seed, strategies, settings)
    with ModelProgress(name) as shown:
        return begin(
            data_dir, plan, shown.say, ask=server.answer, model_digest=digest, watcher=shown
        )


def resume_run(data_dir: DataDir, task: str, number: int) -> Made:
    """Go on with a run of this task, with the model it began with."""
    model = _run_of(data_dir, task, number)["model"]
    if model is None:
        with Progress() as progress:
            return resume(data_dir, number, progress.say, ask=None)
    from workbench.language_model.server import OllamaServer

    server = OllamaServer.configured(load_deployment(data_dir.deployment_file))
    server.digest_of(model)
    with ModelProgress(model) as shown:
        return resume(data_dir, number, shown.say, ask=server.answer, watcher=shown)


def _say_how_to_go_on(data_dir: DataDir, task: str) -> None:
    broken = [run for run in Journal(data_dir).runs(task) if run["state"] == "interrupted"]
    if broken and broken[0]["model"]:
        number = broken[0]["id"]
        errors.print(f"Go on with it: loopai synthesize {task} --resume {number}", markup=False)


def _run_of(data_dir: DataDir, task: str, number: int) -> dict[str, Any]:
    run = Journal(data_dir).run(number)
    if run["task"] != task:
        raise InvalidInputError(f"run {number} is of the task {run['task']!r}, not {task!r}.")
    return run


def _replay(data_dir: DataDir, task: str, number: int, as_json: bool) -> int:
    _run_of(data_dir, task, number)
    with Progress() as progress:
        again = replay(data_dir, number, progress.say)
    same = again.same_program and again.same_attempts
    if as_json:
        print_json(
            {
                "run": number,
                "same_program": again.same_program,
                "same_attempts": again.same_attempts,
                "calls": again.calls,
                "attempts": again.attempts,
                "program_sha256": program_hash(again.outcome),
            }
        )
        return 0 if same else EXIT_NO
    out.print(
        f"Run {number} replayed without a model: {again.calls} answers from the journal, "
        f"{again.attempts} programs tried."
    )
    if again.same_program:
        out.print(f"The program is the same to the byte ({program_hash(again.outcome)[:12]}).")
    else:
        out.print("The program is another one: this release does not make the same of it.")
    if not again.same_attempts:
        out.print("What was tried on the way differs.")
    return 0 if same else EXIT_NO


def print_outcome(task: TaskSpecification, outcome: Outcome, version: int) -> None:
    """The comparison table and the choice in words."""
    rows = [
        (
            ("* " if row["chosen"] else "  ") + row["strategy"],
            row["label"],
            percent(row["accuracy"]),
            f"{row['low']:.1%} to {row['high']:.1%}",
            f"{row['p50_ms']:.3f}",
            f"{row['p99_ms']:.3f}",
            f"{row['bytes']:,}",
            f"{row['seconds']:.1f}",
        )
        for row in comparison(outcome)
    ]
    columns = (
        "  strategy",
        "program",
        "accuracy",
        "95 % interval",
        "p50 ms",
        "p99 ms",
        "bytes",
        "s",
    )
    print_table(columns, rows)
    for name, reason in outcome.skipped.items():
        out.print(f"  {name}: not used, {reason}", markup=False, style="dim")
    out.print()
    out.print(outcome.explanation, markup=False)
    for warning in outcome.warnings:
        out.print(f"note: {warning}", markup=False, style="yellow")
    out.print(
        f"Stored as {task.name} v{version}. Serve it with: loopai promote {task.name} v{version}"
    )


@click.command(
    "synthesize", help="Make a program from a task's examples and store it as a version."
)
@click.argument("task")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME",
    help=f"Only this strategy ({', '.join(Strategy)} or an installed one); may be given more "
    "than once (default: all).",
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same program.")
@click.option(
    "--model",
    metavar="NAME",
    help="Let this local language model help (default: synthesis.model of the configuration).",
)
@click.option("--replay", "replayed", type=int, metavar="RUN", help="Make a run again, no model.")
@click.option("--resume", "resumed", type=int, metavar="RUN", help="Go on with a run that broke.")
@click.option("--promote", "at_once", is_flag=True, help="Make it the active version at once.")
@click.option("--require-target", is_flag=True, help="Exit with 1 when accuracy_target is not met.")
@data_dir_option
@json_option
def command(
    task: str,
    strategies: tuple[str, ...],
    seed: int,
    model: str | None,
    replayed: int | None,
    resumed: int | None,
    at_once: bool,
    require_target: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    if replayed is not None:
        return _replay(data_dir, task, replayed, as_json)
    specification = load_task(data_dir, task)
    try:
        if resumed is not None:
            made = resume_run(data_dir, task, resumed)
        else:
            made = make_version_with(data_dir, specification, strategies, seed, model)
    except KeyboardInterrupt:
        _say_how_to_go_on(data_dir, task)
        raise
    outcome, version = made.outcome, made.version
    if at_once:
        ArtifactStore(data_dir).activate(task, version, reason="synthesize --promote")
    met = outcome.chosen.accuracy >= specification.accuracy_target
    if as_json:
        print_json(
            {
                "task": task,
                "version": version,
                "run": made.run,
                "model": {
                    "calls": made.spent.calls,
                    "prompt_tokens": made.spent.prompt_tokens,
                    "answer_tokens": made.spent.answer_tokens,
                    "seconds": round(made.spent.seconds, 3),
                },
                "promoted": at_once,
                "target_met": met,
                "chosen": outcome.chosen.candidate.strategy,
                "explanation": outcome.explanation,
                "candidates": comparison(outcome),
                "skipped": {str(name): reason for name, reason in outcome.skipped.items()},
                "warnings": [str(warning) for warning in outcome.warnings],
                "evaluation": outcome.chosen.report,
                "seconds": round(outcome.seconds, 3),
            }
        )
    else:
        print_outcome(specification, outcome, version)
        if made.spent.calls:
            out.print(
                f"The model was asked {made.spent.calls} times: {made.spent.tokens:,} tokens, "
                f"{made.spent.seconds:.0f} s. See: loopai runs show {made.run}",
                markup=False,
            )
    return EXIT_NO if require_target and not met else 0
