"""`python -m sync`: what crosses the edge of this box, as a person looks at it."""

from __future__ import annotations

from runtime.command_line import LazyGroup, run

COMMANDS = {
    "audit": ("sync.audit_command", "Verify the chain of all that ever left."),
    "bundle": ("sync.bundle_commands", "Versions and telemetry across an air gap, in a file."),
    "preview": ("sync.preview", "The next upload, byte for byte."),
    "status": ("sync.status", "Whether anything leaves this box, and how it is set up."),
    "trust": ("sync.trust_commands", "Whose signatures count here, and our own key."),
}

group = LazyGroup("sync", COMMANDS, help="What crosses the edge of this box.")
#: Mounted as `loopai sync`.
command = group


def main() -> None:
    """Run `python -m sync` and exit: 0 well, 1 the answer is no, 2 something given was wrong."""
    run(group)
