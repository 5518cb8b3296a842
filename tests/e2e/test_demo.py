"""`loopai demo` as a newcomer runs it, and as one who loses patience with it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

QUICK = ("--task", "date-normalisation", "--requests", "1000")


def start(tmp_path, *arguments):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", "demo", *QUICK, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def processes_of(tmp_path):
    """Processes that were told of a folder of this test."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in part for part in process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_the_demo_does_the_whole_job_and_leaves_nothing(tmp_path):
    with start(tmp_path, "--json") as demo:
        output, errors = demo.communicate(timeout=170)
    assert demo.returncode == 0, errors
    figures = json.loads(output)
    assert figures["requests"] == figures["answered"] == 1000
    assert figures["right"] > 0.9
    assert figures["client_ms"]["p99"] > figures["program_ms"]["p50"] > 0
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_leaves_nothing_running(tmp_path, stop):
    with start(tmp_path) as demo:
        for line in demo.stdout:
            if "ready after" in line:
                break
        assert processes_of(tmp_path)
        demo.send_signal(stop)
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 130, errors
    assert processes_of(tmp_path) == []
    assert list(Path(tmp_path).iterdir()) == []
