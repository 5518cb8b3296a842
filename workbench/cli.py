"""`loopai`: the composition root of the workbench. Each command lives in `commands/`."""

from __future__ import annotations

import os
import sys

import click
from click.core import ParameterSource

from runtime.command_line import LazyGroup, data_dir_option, run
from runtime.data_dir import ENVIRONMENT_VARIABLE, DataDir

COMMANDS = {
    "bundle": ("sync.bundle_commands", "Versions and telemetry across an air gap, in a file."),
    "completion": ("runtime.commands.completion", "Complete commands in bash, zsh or fish."),
    "config": ("workbench.commands.config", "Check and show deployment.yaml."),
    "cost": ("workbench.commands.cost", "What a model for every request would cost instead."),
    "data": ("workbench.commands.data", "The log of executions: tail, query, export, erase."),
    "demo": ("workbench.commands.demo", "The whole job once, in a fresh folder, in two minutes."),
    "deploy": ("workbench.commands.deploy", "Manifests for Kubernetes, a unit for systemd."),
    "docs": ("workbench.commands.docs", "The manual, in a browser; no network needed."),
    "diff": ("workbench.commands.diff", "What changed between two versions."),
    "evaluate": ("workbench.commands.evaluate", "Judge many candidates by labelled rows."),
    "export": ("workbench.commands.export", "One version as a ZIP, the same bytes each time."),
    "hub": ("workbench.commands.hub", "The shared hub: start, keys, publish, backup."),
    "image": ("workbench.commands.image", "A container image: what it is built from."),
    "improve": ("workbench.commands.improve", "Learn from confirmed failures, offer a version."),
    "models": ("workbench.commands.models", "Local language models: list, show, pull, remove."),
    "label": ("workbench.commands.label", "Say of sampled executions whether they were right."),
    "plugins": ("workbench.commands.plugins", "Installed strategies, oracles and comparators."),
    "notebook": ("workbench.commands.notebook", "Notebooks: new, run, check, export."),
    "promote": ("workbench.commands.promote", "Make a version the one that serves."),
    "replay": ("workbench.commands.replay", "Run versions over the history: what would change."),
    "report": ("workbench.commands.report", "One HTML page of a task's last days."),
    "retention": ("runtime.commands.retention", "Compress, delete and prune what is old."),
    "rollback": ("workbench.commands.rollback", "Go back to an earlier version."),
    "rollout": ("workbench.commands.rollout", "Staged promotions: show, pause, resume, abort."),
    "rules": ("workbench.commands.rules", "Check and compile a rule file by hand."),
    "runs": (
        "workbench.commands.runs",
        "What each synthesis asked and tried.",
    ),
    "stats": ("workbench.commands.stats", "Latency, throughput, errors and outputs by day."),
    "suggest": ("workbench.commands.suggest", "Which inputs to label next."),
    "sync": ("sync.cli", "What crosses the edge of this box: preview, audit, status, trust."),
    "status": ("runtime.commands.status", "What runs here, how far it is, what is wrong."),
    "synthesize": ("workbench.commands.synthesize", "Make a program from a task's examples."),
    "task": ("workbench.commands.task", "Make, list, show and check tasks."),
    "try": ("workbench.commands.try_inputs", "Run a program on an input, in the sandbox."),
    "versions": ("workbench.commands.versions", "A task's versions with their figures."),
    "wheelhouse": (
        "workbench.commands.wheelhouse",
        "All wheels in one folder, for a machine with no network.",
    ),
}


@click.command()
@data_dir_option
@click.pass_context
def open_app(context: click.Context, data_dir: DataDir) -> None:
    """Open the app, unless a command was given or there is no terminal to show it in."""
    if context.invoked_subcommand is not None:
        if context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE:
            os.environ[ENVIRONMENT_VARIABLE] = str(data_dir.root)  # for that command
    elif "TEXTUAL_DRIVER" in os.environ:  # `textual serve`: a browser is the terminal
        from workbench.tui.app import run_app

        run_app(data_dir)
    elif sys.stdin.isatty() and sys.stdout.isatty():
        from workbench.tui.start import start

        start(data_dir)
    else:
        click.echo(context.get_help())


group = LazyGroup(
    "loopai",
    COMMANDS,
    help="Turn a task described in words and examples into a small program, and run that.",
    epilog="Without a command the app opens. Start with: loopai demo",
    invoke_without_command=True,
    callback=open_app.callback,
    params=open_app.params,
)


def main() -> None:
    """Run `loopai` and exit: 0 well, 1 the answer is no, 2 something given was wrong."""
    run(group)


if __name__ == "__main__":
    main()
