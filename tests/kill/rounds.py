"""Kill rounds from the command line: `python -m tests.kill.rounds --rounds 200 --json`.

Exit 1 when an answered execution is missing, doubled or changed in the log.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

# As pytest does it, so that the tests' own modules are found.
sys.path.insert(0, str(Path(__file__).parents[1]))

from kill.killing import Killing, folder_with


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill processes of a runtime under load.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--durability", choices=["process", "disk", "none"], default="process")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = folder_with(Path(folder), chosen.durability)
        with Killing(data_dir, chosen.seed) as killing:
            report = killing.run(chosen.rounds)
    if chosen.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        for name, value in report.as_json().items():
            print(f"{name}: {value}")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
