"""`loopai-runtime` as a child process, and real HTTP to it. It never outlives its block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, Problem

CONNECTIONS = 8
STOP_SECONDS = 10
SWITCH_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: `seconds` as the client saw it, `program_ms` as the sandbox did;
    `waited` is how long a wanted version took to answer."""

    status: int
    output: Any
    version: int | None
    seconds: float
    program_ms: float
    waited: float = 0.0


class ServedRuntime:
    """Serves one task on a free port of loopback for as long as the block lasts."""

    def __init__(self, data_dir: DataDir, task: str) -> None:
        command = [sys.executable, "-m", "runtime", "start", "--task-id", task]
        command += ["--data-dir", str(data_dir.root), "--port", "0", "--json"]
        # None of the person's own Loopai settings apply to the demonstration.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("LOOPAI_")}
        self._log = data_dir.state / "served-runtime.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean,
                start_new_session=True,
            )
        try:
            self.url = self._read_url()
        except BaseException:
            self._stop()
            raise
        self.seconds_to_ready = time.monotonic() - started
        self._client = httpx.Client(base_url=self.url, timeout=30)

    def __enter__(self) -> ServedRuntime:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._stop()

    def send(self, inputs: Sequence[Any]) -> list[Answer]:
        """POST each input to /execute over a few connections; answers in order.

        Raises what the first request that failed raised.
        """
        answers: dict[int, Answer] = {}
        failures: list[Exception] = []
        waiting = iter(enumerate(inputs))
        stopped = False

        def work() -> None:
            try:
                for place, data in waiting:
                    if stopped or failures:
                        return
                    answers[place] = self._execute(data)
            except Exception as error:
                failures.append(error)

        # No executor: Ctrl-C in the middle of handing out work leaves its lock held for ever.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            stopped = True
        if failures:
            raise failures[0]
        return [answers[place] for place in range(len(inputs))]

    def wait_for_version(self, data: Any, version: int) -> Answer:
        """Ask until `version` answers. Raises LoopaiError when it does not within 20 s."""
        started = time.monotonic()
        while time.monotonic() - started < SWITCH_SECONDS:
            answer = self._execute(data)
            if answer.version == version:
                waited = time.monotonic() - started
                return Answer(
                    answer.status, answer.output, version, answer.seconds, answer.program_ms, waited
                )
            time.sleep(0.02)
        raise LoopaiError(Problem(f"v{version} does not answer after {SWITCH_SECONDS} s."))

    def _execute(self, data: Any) -> Answer:
        started = time.perf_counter()
        response = self._client.post("/execute", json={"input": data})
        seconds = time.perf_counter() - started
        body = response.json()
        return Answer(
            response.status_code,
            body.get("output"),
            body.get("program_version"),
            seconds,
            float(body.get("latency_ms") or 0.0),
        )

    def _read_url(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._log.read_text("utf-8", "replace").strip() or "(it said nothing)"
            raise LoopaiError(Problem(f"loopai-runtime did not start: {said}"))
        return str(json.loads(line)["url"])

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
