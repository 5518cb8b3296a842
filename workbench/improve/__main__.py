"""`python -m workbench.improve`: the watch as a child of the supervisor (`runtime.modules`)."""

from __future__ import annotations

import logging
import os
import signal
import sys

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.models import TaskSpecification
from workbench.commands.synthesize import make_version
from workbench.improve.watch import Watch

SEED = 0
#: Making programs must not slow down those who are served meanwhile.
NICENESS = 10


def watch(data_dir: DataDir, task: str | None = None) -> None:
    """Watch until SIGTERM or SIGINT."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    os.nice(NICENESS)

    def synthesize(specification: TaskSpecification) -> int:
        strategies = load_deployment(data_dir.deployment_file).improve.strategies
        return make_version(data_dir, specification, strategies, SEED)[1]

    watching = Watch(data_dir, synthesize, task)

    def end(number: int, frame: object) -> None:
        watching.stop()
        raise SystemExit(0)  # a synthesis under way is given up: its failures are journaled

    signal.signal(signal.SIGTERM, end)
    watching.run()


if __name__ == "__main__":
    watch(DataDir())
