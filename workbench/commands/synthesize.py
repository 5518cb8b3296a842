"""`loopai synthesize`: from examples to an evaluated version."""

from __future__ import annotations

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.models import Strategy, TaskSpecification
from runtime.sandbox import Limits, Sandbox
from runtime.tasks import load_task
from workbench.commands.progress import Progress
from workbench.console import out, percent, print_table
from workbench.synthesis.journal import Journal, ended
from workbench.synthesis.publish import comparison, made_by, publish
from workbench.synthesis.strategies import load_strategies
from workbench.synthesis.synthesizer import Outcome, synthesize

# A candidate may be slow before it is judged; serving has its own, tighter limit.
LIMITS = Limits(timeout_ms=2000, memory_mb=512)


def make_version(
    data_dir: DataDir, task: TaskSpecification, strategies: tuple[str, ...], seed: int
) -> tuple[Outcome, int]:
    """Synthesize with progress on standard error, and store the chosen program."""
    wanted = load_strategies(strategies)
    settings = {"strategies": list(strategies)}
    run = Journal(data_dir).start(task, seed=seed, settings=settings, made_by=made_by())
    with ended(run), Sandbox(limits=LIMITS) as sandbox, Progress() as progress:
        outcome = synthesize(
            task,
            wanted,
            sandbox=sandbox,
            seed=seed,
            say=progress.say,
            examples_file=data_dir.examples_file(task.name),
        )
        version = publish(ArtifactStore(data_dir), task, outcome, run)
    return outcome, version


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
@click.option("--promote", "at_once", is_flag=True, help="Make it the active version at once.")
@click.option("--require-target", is_flag=True, help="Exit with 1 when accuracy_target is not met.")
@data_dir_option
@json_option
def command(
    task: str,
    strategies: tuple[str, ...],
    seed: int,
    at_once: bool,
    require_target: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    specification = load_task(data_dir, task)
    outcome, version = make_version(data_dir, specification, strategies, seed)
    if at_once:
        ArtifactStore(data_dir).activate(task, version, reason="synthesize --promote")
    met = outcome.chosen.accuracy >= specification.accuracy_target
    if as_json:
        print_json(
            {
                "task": task,
                "version": version,
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
    return EXIT_NO if require_target and not met else 0
