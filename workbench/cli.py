"""`loopai`: the composition root of the workbench. Each command lives in `commands/`."""

from __future__ import annotations

from runtime.command_line import LazyGroup, run

COMMANDS = {
    "config": ("workbench.commands.config", "Check and show deployment.yaml."),
    "data": ("workbench.commands.data", "Read the log of executions: tail, query."),
    "demo": ("workbench.commands.demo", "The whole job once, in a fresh folder, in two minutes."),
    "diff": ("workbench.commands.diff", "What changed between two versions."),
    "export": ("workbench.commands.export", "One version as a ZIP, the same bytes each time."),
    "models": ("workbench.commands.models", "Local language models: list, show, pull, remove."),
    "label": ("workbench.commands.label", "Say of sampled executions whether they were right."),
    "promote": ("workbench.commands.promote", "Make a version the one that serves."),
    "rollback": ("workbench.commands.rollback", "Go back to an earlier version."),
    "rules": ("workbench.commands.rules", "Check and compile a rule file by hand."),
    "stats": ("workbench.commands.stats", "Latency, throughput, errors and outputs by day."),
    "synthesize": ("workbench.commands.synthesize", "Make a program from a task's examples."),
    "task": ("workbench.commands.task", "Make, list, show and check tasks."),
    "try": ("workbench.commands.try_inputs", "Run a program on an input, in the sandbox."),
    "versions": ("workbench.commands.versions", "A task's versions with their figures."),
}

group = LazyGroup(
    "loopai",
    COMMANDS,
    help="Turn a task described in words and examples into a small program, and run that.",
    epilog="Start with: loopai demo",
)


def main() -> None:
    """Run `loopai` and exit: 0 well, 1 the answer is no, 2 something given was wrong."""
    run(group)


if __name__ == "__main__":
    main()
