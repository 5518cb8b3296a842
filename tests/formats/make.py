"""Makes what a release leaves on disk: `python -m tests.formats.make` writes VERSION.tar.gz here.

Run it once when a release is made, with that release; what is made stays as it is for ever.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from runtime.data_dir import DataDir
from sync.status import read_link
from tests.support import (
    PROGRAM,
    TASK,
    RunningRuntime,
    add_version,
    clean_environment,
    log_line,
    make_task,
    promote,
    wait_until,
)

HERE = Path(__file__).parent
SETTINGS = """\
v: 1
cloud: {api_url: "%s", api_key: "%s"}
sampling: {strategy: random, rate: 0.2}
telemetry: {upload_interval_sec: 1}
"""
NOTEBOOK = """\
# Spam

```task
file: task.yaml
```

```try version=v1
{"text": "buy now"}
```
"""


def loopai(data_dir: DataDir, *arguments: str, text: str | None = None) -> str:
    """Run a command as a person would."""
    environment = {**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)}
    command = [sys.executable, "-m", "workbench", *arguments]
    done = subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def make(folder: Path) -> None:
    """Fill `folder` with a data directory `data` and a hub's `hub`."""
    data_dir, hub = DataDir(folder / "data"), folder / "hub"
    examples = [{"text": f"{word} {n}"} for n in range(20) for word in ("buy", "hello")]
    task = make_task(data_dir)
    data_dir.examples_file(TASK).write_text(
        "".join(
            json.dumps({"input": one, "output": "spam" if "buy" in one["text"] else "ham"}) + "\n"
            for one in examples
        )
    )
    promote(data_dir, task)
    loopai(data_dir, "synthesize", TASK, "--strategy", "rule")
    add_version(data_dir, task, PROGRAM.replace("0.75", "0.5"))
    notebook = data_dir.task(TASK) / "spam.notebook.md"
    notebook.write_text(NOTEBOOK)
    loopai(data_dir, "notebook", "run", str(notebook))
    _old_days(data_dir)
    key = loopai(data_dir, "hub", "keys", "create", "box", "--tenant", "acme", "--scope", "edge",
                 "--scope", "publish", "--folder", str(hub)).strip()  # fmt: skip
    environment = {**clean_environment(), "LOOPAI_HUB_FOLDER": str(hub)}
    command = [sys.executable, "-m", "workbench", "hub", "start", "--port", "18391"]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    url = "http://127.0.0.1:18391"
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(SETTINGS % (url, key))
    try:
        with RunningRuntime(data_dir, steward=True) as runtime:
            for number in range(60):
                runtime.execute({"text": f"buy {number}" if number % 3 else "hello"})
            wait_until(lambda: (link := read_link(data_dir)) and link["registered"], 30)
            loopai(data_dir, "hub", "publish", TASK, "v1", "--url", url, "--api-key", key)
            samples = wait_until(lambda: _samples(data_dir), 60)
            loopai(data_dir, "label", TASK, "--accept", samples[0]["execution_id"])
            wait_until(lambda: list(data_dir.validations(TASK).glob("*")), 30)
            time.sleep(3)  # several uploads
            runtime.stop()
    finally:
        running.terminate()
        running.wait()
    loopai(data_dir, "promote", TASK, "v3", "--staged")
    loopai(data_dir, "stats", TASK, "--days", "30")
    create = [sys.executable, "-m", "runtime", "keys", "create", "till"]
    create += ["--data-dir", str(data_dir.root)]
    subprocess.run(create, check=True, capture_output=True, env=clean_environment())
    from workbench.improve.journal import ImproveJournal

    with ImproveJournal(data_dir) as journal:
        journal.start(TASK, ["a"])
        journal.add_run(TASK, "offered", 3, {"wins": 2})
    loopai(data_dir, "bundle", "export", "artifacts", str(folder / "release.loopai"),
           "--hub", str(hub), "--tenant", "acme")  # fmt: skip
    for database in folder.rglob("*.db"):
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.close()
    for left in (*folder.rglob("stderr-*"), *folder.rglob("*.lock"), *folder.rglob("*-shm"),
                 *folder.rglob("*-wal")):  # fmt: skip
        left.unlink(missing_ok=True)


def _samples(data_dir: DataDir) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(loopai(data_dir, "label", TASK, "--json"))["samples"]
    return found


def _old_days(data_dir: DataDir) -> None:
    executions = data_dir.executions(TASK)
    executions.mkdir(parents=True)
    for day in ("2026-11-20", "2026-11-21"):
        lines = b"".join(log_line(n, f"{day}T10:00:{n:02d}.000000Z") + b"\n" for n in range(20))
        if day.endswith("20"):
            (executions / f"{day}.jsonl.gz").write_bytes(gzip.compress(lines, mtime=0))
        else:
            (executions / f"{day}.jsonl").write_bytes(lines)


def main() -> None:
    target = HERE / f"{version('loopai-workbench')}.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "release"
        made.mkdir()
        make(made)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as packed:
            for path in sorted(made.rglob("*")):
                packed.add(path, str(path.relative_to(made)), recursive=False)
        target.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
        shutil.rmtree(made)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
