"""`loopai-runtime`: serves programs and looks after what an edge box holds."""

from __future__ import annotations

from runtime.command_line import LazyGroup, run

COMMANDS = {
    "completion": ("runtime.commands.completion", "Complete commands in bash, zsh or fish."),
    "data": ("runtime.commands.erasure", "One person's records: export, erase."),
    "doctor": ("runtime.commands.doctor", "What holds on this machine, and what it lacks."),
    "encryption": ("runtime.commands.encryption", "Encryption at rest: status, rotate, new-key."),
    "health": ("runtime.commands.health", "Whether the server on this machine answers."),
    "keys": ("runtime.commands.keys", "Make, list and revoke the keys that callers present."),
    "retention": ("runtime.commands.retention", "Compress, delete and prune what is old."),
    "start": ("runtime.commands.start", "Serve the tasks of a data directory over HTTP."),
    "stats": ("runtime.commands.stats", "Latency, throughput, errors and outputs of a task."),
    "status": ("runtime.commands.status", "What runs here, how far it is, what is wrong."),
    "version": ("runtime.commands.version", "Which release this is."),
}

group = LazyGroup(
    "loopai-runtime",
    COMMANDS,
    help="Run synthesized programs behind HTTP, in a sandbox, every execution logged.",
    epilog="Start with: loopai-runtime start --task-id TASK --data-dir FOLDER",
)


def main() -> None:
    """Run `loopai-runtime` and exit: 0 well, 1 the answer is no, 2 something given was wrong."""
    run(group)


if __name__ == "__main__":
    main()
