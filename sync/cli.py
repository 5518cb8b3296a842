"""`python -m sync`: says what would leave this box. In this release, nothing does."""

from __future__ import annotations

from runtime.command_line import LazyGroup, run

COMMANDS = {"status": ("sync.status", "Whether anything leaves this box, and how it is set up.")}

group = LazyGroup("sync", COMMANDS, help="What crosses the edge of this box.")


def main() -> None:
    """Run `python -m sync` and exit: 0 well, 2 something given was wrong."""
    run(group)
