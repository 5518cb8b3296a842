"""`loopai models` against a real server: what is there, getting, removing, wrong requests."""

import http.server
import json
import subprocess
import sys
import threading

import pytest
from ollama_server.running import RunningOllama
from support import clean_environment


@pytest.fixture
def models(tmp_path):
    with RunningOllama() as ollama:

        def run(*arguments, code=0, host=ollama.url):
            done = subprocess.run(
                [sys.executable, "-m", "workbench", "models", *arguments],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env={**clean_environment(), "OLLAMA_HOST": host},
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


class NotOllama(http.server.BaseHTTPRequestHandler):
    """Answers 404 to everything, as any other web server does."""

    def do_GET(self):
        self.send_error(404)

    do_POST = do_GET  # noqa: N815 (the name that the server calls)

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize("arguments", [("list",), ("show", "tiny"), ("pull", "tiny")])
def test_another_web_server_at_the_address_is_not_taken_for_one(models, arguments):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotOllama) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        errors = models(*arguments, code=2, host=address).stderr
        server.shutdown()
    assert f"what answers at {address} is not Ollama's API" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("address", ["somewhere:port", "ftp://somewhere", "http://[::1"])
def test_an_address_that_is_none_is_said_with_where_it_was_read(models, address):
    errors = models("list", code=2, host=address).stderr
    assert f"{address!r} is not the address of a model server" in errors
    assert "OLLAMA_HOST" in errors and "Traceback" not in errors
