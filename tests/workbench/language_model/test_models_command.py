"""`loopai models` against a real server: what is there, getting, removing, wrong requests."""

import json
import subprocess
import sys

import pytest
from ollama_server.running import RunningOllama
from support import clean_environment


@pytest.fixture
def models(tmp_path):
    with RunningOllama() as ollama:

        def run(*arguments, code=0):
            done = subprocess.run(
                [sys.executable, "-m", "workbench", "models", *arguments],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env={**clean_environment(), "OLLAMA_HOST": ollama.url},
                check=False,
                timeout=60,
            )
            assert done.returncode == code, done.stdout + done.stderr
            return done

        yield run


def test_a_model_is_pulled_with_progress_listed_shown_and_removed(models):
    pulled = models("pull", "smollm2:135m", "--json")
    assert json.loads(pulled.stdout)["model"] == "smollm2:135m"
    assert "pulling manifest" in pulled.stderr and "success" in pulled.stderr
    listed = json.loads(models("list", "--json").stdout)
    assert [row["name"] for row in listed["models"]] == ["smollm2:135m", "tiny:latest"]
    assert "134.52M" in models("show", "smollm2:135m").stdout
    models("remove", "smollm2:135m")
    assert "smollm2" not in models("list").stdout


def test_what_is_not_there_is_said_with_what_to_do(models):
    assert "loopai models pull huge" in models("show", "huge", code=2).stderr
    assert "no model 'huge' to be had" in models("pull", "huge", code=2).stderr
    error = json.loads(models("remove", "huge", "--json", code=2).stderr)
    assert "tiny:latest" in error["error"]
