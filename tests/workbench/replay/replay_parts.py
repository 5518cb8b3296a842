"""A task with rows to replay, and `loopai replay` as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import clean_environment

ROWS = 2_000


def write_rows(file: Path, rows: int = ROWS) -> None:
    """Rows that were all answered by "buy" in the text, but every tenth."""
    with file.open("w") as out:
        for n in range(rows):
            text = f"{'buy' if n % 3 == 0 else 'see'} number {n}"
            answer = "spam" if n % 3 == 0 and n % 10 else "ham"
            out.write(json.dumps({"input": {"text": text}, "output": answer}) + "\n")


def command(folder: Path, *arguments: str, name: str = "replay") -> list[str]:
    given = [name, "spam-detection", "--data-dir", str(folder), "--json", *arguments]
    return [sys.executable, "-m", "workbench", *given]


def run_replay(
    folder: Path, *arguments: str, code: int = 0, name: str = "replay"
) -> dict[str, Any]:
    """The report of `loopai replay --json`, or of another command that takes a task; of one that
    fails, `{"error": ...}`."""
    return run_json(command(folder, *arguments, name=name), code)


def run_json(words: list[str], code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=clean_environment(),
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return found


def counts(report: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on how the work was spread: all but times and the cut."""
    programs = {
        label: {name: value for name, value in figures.items() if name != "latency_ms"}
        for label, figures in report["programs"].items()
    }
    return {"rows": report["rows"], "skipped": report["skipped"], "programs": programs}
