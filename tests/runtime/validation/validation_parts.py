"""What the tests of validation share: samples in the queue, a task with oracles, a model server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support import TASK, make_task

from runtime.clock import utc_now
from runtime.config import DeploymentConfig
from runtime.config_sections import ValidationConfig
from runtime.data_dir import DataDir
from runtime.datasets.reader import LogReader
from runtime.steward.samples import Sample, add_samples
from runtime.steward.state import State, open_state
from runtime.validation import queue
from runtime.validation.settle import PREFIX
from runtime.validation.worker import ValidationWorker


def a_sample(number: int, output: Any = "ham", **fields: Any) -> Sample:
    """One execution that was sampled with probability 0.25."""
    given = {
        "execution_id": f"00000000-0000-7000-8000-{number:012d}",
        "task": TASK,
        "program_version": 1,
        "input": {"text": f"text {number}"},
        "output": output,
        "error": None,
        "confidence": 0.75,
        "status": "success",
        "latency_ms": 0.5,
        "executed_at": f"2026-11-22T10:00:{number % 60:02d}.000000Z",
        "strategy": "random",
        "inclusion_probability": 0.25,
    }
    return Sample(**{**given, **fields})


def queue_samples(data_dir: DataDir, samples: list[Sample]) -> State:
    """The steward's database with these samples waiting in it."""
    state = open_state(data_dir, queue.TABLES)
    with state.transaction() as connection:
        add_samples(connection, samples)
    return state


def task_with(data_dir: DataDir, *oracles: dict[str, Any], **validation: Any):
    """The spam task, asking these oracles."""
    return make_task(data_dir, validation={"oracles": list(oracles), **validation})


def write_labels(data_dir: DataDir, labels: dict[int, Any], name: str = "labels.jsonl") -> None:
    """A labelled file beside the task, by the numbers of samples."""
    lines = [
        json.dumps({"input": {"text": f"text {number}"}, "output": output})
        for number, output in labels.items()
    ]
    data_dir.task(TASK).joinpath(name).write_text("\n".join(lines) + "\n")


def validations(data_dir: DataDir, task: str = TASK) -> list[dict[str, Any]]:
    """Every line of the task's validations; none may be malformed."""
    reader = LogReader(data_dir.validations(task), prefix=PREFIX)
    records = list(reader.records())
    assert reader.malformed == 0, reader.problems
    return records


def a_worker(data_dir: DataDir, host: str | None = None, **settings: Any) -> ValidationWorker:
    """A worker that is turned by hand."""
    config = DeploymentConfig.model_validate(
        {
            "synthesis": {"ollama_host": host},
            "prices": {"per_call": 0.01},
            "validation": ValidationConfig(**settings).model_dump(),
        }
    )
    return ValidationWorker(data_dir, config, utc_now)


class FakeOllama(ThreadingHTTPServer):
    """Answers /api/chat by `reply(text)` and /api/embed by letter counts; remembers requests."""

    def __init__(self, reply=lambda text: {"output": "spam"}, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply, self.status = reply, status
        self.requests: list[dict[str, Any]] = []
        self.hang = threading.Event()
        self.hang.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, FakeOllama)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.requests.append(body)
        server.hang.wait(10)
        if server.status != 200:
            answer: Any = {"error": "model not found"}
        elif self.path == "/api/embed":
            letters = "abcdefghijklmnopqrstuvwxyz"
            answer = {"embeddings": [[t.count(c) + 0.0 for c in letters] for t in body["input"]]}
        else:
            text = json.loads(body["messages"][-1]["content"])["input"]["text"]
            content = json.dumps(server.reply(text))
            answer = {"message": {"content": content}, "prompt_eval_count": 90, "eval_count": 10}
        data = json.dumps(answer).encode()
        try:
            self.send_response(server.status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # the caller gave up

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on standard error."""


@contextmanager
def fake_ollama(**options: Any) -> Iterator[FakeOllama]:
    """A model server for as long as the block lasts."""
    server = FakeOllama(**options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()
