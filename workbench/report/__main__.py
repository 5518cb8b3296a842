"""`python -m workbench.report TASK DAYS ROOT`: the live page's data as JSON, for the runtime."""

from __future__ import annotations

import os
import sys

from runtime.clock import format_time
from runtime.data_dir import DataDir
from workbench.report.facts import gather
from workbench.report.page import cards, for_script, headline, sections

# Whoever looks must not slow down who is served.
NICENESS = 5


def main(task: str, days: str, root: str) -> None:
    os.nice(NICENESS)
    facts = gather(DataDir(root), task, int(days))
    shown = sections(facts)
    data = {
        "headline": headline(facts),
        "cards": cards(shown),
        "figures": {section.name: section.figure for section in shown if section.figure},
        "made_at": format_time(facts.made_at),
    }
    sys.stdout.write(for_script(data))


if __name__ == "__main__":
    main(*sys.argv[1:4])
