"""What several tests need: log lines, a task with a program, a runtime that serves it over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.data_dir import DataDir
from runtime.datasets.reader import LogReader
from runtime.models import ProgramArtifact, Strategy, TaskSpecification
from runtime.tasks import write_task

T = TypeVar("T")

TASK = "spam-detection"
INPUT_SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 2_000_000}},
    "required": ["text"],
}
OUTPUT_SCHEMA = {"enum": ["spam", "ham"]}
PROGRAM = """
def run(input_data):
    text = input_data["text"]
    if text == "crash":
        return {}["no such key"]
    if text == "loop":
        while True:
            pass
    if text == "eggs":
        return "eggs"
    return ("spam" if "buy" in text.lower() else "ham", 0.75)
"""


def wait_until(question: Callable[[], T], seconds: float = 15.0) -> T:
    """Ask until the answer is truthy and return it; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """The child processes of a process; none when it is gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [(task / "children").read_text() for task in tasks]
    except OSError:
        return []
    return [int(child) for text in found for child in text.split()]


def is_steward(pid: int) -> bool:
    """Whether a process is a steward; false when it is gone."""
    try:
        return b"runtime.steward" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of Loopai's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOOPAI_")}


def log_line(
    number: int = 0, timestamp: str = "2026-11-22T10:00:00.000000Z", **fields: Any
) -> bytes:
    """One execution as the log holds it, without its line end."""
    line = {
        "v": 1,
        "execution_id": f"00000000-0000-7000-8000-{number:012d}",
        "task_id": "0b0f3c54-4b4c-5f0e-a52f-5f0f4cc11111",
        "program_version": 1,
        "input": {"text": f"text {number}"},
        "output": "ham",
        "status": "success",
        "latency_ms": 0.25,
        "timestamp": timestamp,
    }
    return json.dumps({**line, **fields}, separators=(",", ":")).encode()


def make_task(data_dir: DataDir, name: str = TASK, **fields: Any) -> TaskSpecification:
    """Write a task that tells spam from ham, unless `fields` say otherwise."""
    given = {
        "name": name,
        "description": "Is this text spam?",
        "input_schema": INPUT_SCHEMA,
        "output_schema": OUTPUT_SCHEMA,
        **fields,
    }
    task = TaskSpecification.model_validate(given)
    write_task(data_dir, task)
    return task


def add_version(data_dir: DataDir, task: TaskSpecification, source: str = PROGRAM) -> int:
    """Store a program as a new version of a task, without making it active."""
    artifact = ProgramArtifact(
        task_id=task.id,
        version=1,
        code=source,
        synthesis_strategy=Strategy.RULE,
        confidence_score=0.9,
    )
    new = NewArtifact(artifact, evaluation={}, provenance={}, readme="A test's program.\n")
    return ArtifactStore(data_dir).add(task, new)


def promote(data_dir: DataDir, task: TaskSpecification, source: str = PROGRAM) -> int:
    """Store a program as a new version and make it the one that serves."""
    version = add_version(data_dir, task, source)
    ArtifactStore(data_dir).activate(task.name, version)
    return version


def logged(data_dir: DataDir, task: str = TASK) -> list[dict[str, Any]]:
    """Every execution in the log of a task; the log must hold nothing malformed."""
    reader = LogReader(data_dir.executions(task))
    records = list(reader.records())
    assert reader.malformed == 0, reader.problems
    return records


class RunningRuntime:
    """A `loopai-runtime start` of its own process, serving on a free port of loopback."""

    def __init__(
        self,
        data_dir: DataDir,
        *arguments: str,
        task: str = TASK,
        environment: Mapping[str, str] | None = None,
        workers: int | None = 1,
        under: Sequence[str] = (),
        steward: bool = False,
        interpreter: str = sys.executable,
        cwd: Path | None = None,
    ) -> None:
        """With `workers` None, as many as the data directory's configuration says.

        `under` is a command that runs it, such as a tracer that leaves it its process id;
        `interpreter` the Python of another installation.
        """
        self.data_dir = data_dir
        self._errors = data_dir.root / f"stderr-{time.monotonic_ns()}.txt"
        command = [*under, interpreter, "-m", "runtime", "start", "--json", "--port", "0"]
        command += ["--task-id", task, "--data-dir", str(data_dir.root), *arguments]
        command += [] if workers is None else ["--workers", str(workers)]
        command += [] if steward else ["--no-steward"]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                env={**clean_environment(), **(environment or {})},
            )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        if not ready:
            code = self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"it ended with {code}: {self.errors()}")
        self.url: str = json.loads(ready)["url"]
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def execute(self, value: Any, task: str | None = None) -> httpx.Response:
        """POST one input, to `/execute` when no task is named."""
        path = f"/v1/execute/{task}" if task else "/execute"
        return self.http.post(path, json={"input": value})

    def worker_pids(self) -> list[int]:
        """The HTTP workers' processes."""
        return [pid for pid in children_of(self.process.pid) if not is_steward(pid)]

    def steward_pid(self) -> int:
        """The steward's process, once it runs."""
        return wait_until(lambda: next(filter(is_steward, children_of(self.process.pid)), 0))

    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; returns the exit code."""
        code = self.process.wait(timeout=60)
        self.close()
        return code

    def close(self) -> None:
        """End it if it still runs; harmless when called again."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()

    def __enter__(self) -> RunningRuntime:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def server_folder(tmp_path: Path) -> DataDir:
    """A data directory with one task and its promoted program."""
    data_dir = DataDir(tmp_path / "data")
    promote(data_dir, make_task(data_dir))
    return data_dir
