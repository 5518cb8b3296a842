"""The image in a real container engine, and the Compose file, used as their own first lines say."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from pathlib import Path

import httpx
import pytest
import yaml
from container_engine import Engine, free_port
from support import TASK, wait_until

pytestmark = pytest.mark.thorough

KEY = "the serving key of this test"
ASKED = {"json": {"input": {"text": "buy now"}}}


@pytest.fixture(scope="module")
def engine(context, debian, tmp_path_factory):
    engine = Engine(tmp_path_factory.mktemp("engine"))
    engine.has_image(debian)
    command = ["podman", "build", "--pull=never", "--format", "docker", "--network", "host"]
    engine.run(*command, "-t", _image(context), str(context))
    yield engine
    engine.run("podman", "rm", "--all", "--force")
    engine.run("podman", "rmi", "--all", "--force")


def _image(context: Path) -> str:
    made = yaml.safe_load((context / "compose.yaml").read_text())
    return str(made["services"]["hub"]["image"])


def _as_the_dockerfile_says(context: Path) -> list[str]:
    """The flags of `docker run` in its first lines."""
    text = (context / "Dockerfile").read_text()
    shown = text.partition("docker run ")[2].partition("-p ")[0]
    return shown.replace("#", "").replace("\\", "").split()


def test_an_engine_runs_the_image_as_the_dockerfile_says(engine, context):
    port = free_port()
    flags = [*_as_the_dockerfile_says(context), "-p", f"127.0.0.1:{port}:8080"]
    assert "--read-only" in flags
    given = ["-v", "loopai-data:/loopai-data", "-e", f"LOOPAI_TASK_ID={TASK}"]
    given += ["-e", f"LOOPAI_SERVE_KEY={KEY}", "-e", "LOOPAI_API_KEY=a key for a hub"]
    engine.run("podman", "run", "--detach", "--name", "box", *flags, *given, _image(context))
    engine.until("podman", "healthcheck", "run", "box")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        assert http.post("/execute", **ASKED).status_code == 401
        http.headers["Authorization"] = f"Bearer {KEY}"
        assert http.post("/execute", **ASKED).json()["output"] == "spam"
    # Every wall of the sandbox stands behind the engine's own filter of system calls.
    looked = json.loads(engine.run("podman", "exec", "box", "loopai-runtime", "doctor", "--json"))
    assert [wall for wall in looked["walls"] if not wall["holds"]] == []
    started = time.monotonic()
    engine.run("podman", "stop", "--time", "30", "box")
    assert time.monotonic() - started < 20
    assert engine.run("podman", "inspect", "box", "--format", "{{.State.ExitCode}}") == "0"


def test_compose_brings_up_a_hub_and_two_boxes_that_find_it(engine, context, tmp_path):
    folder = tmp_path / "context"
    shutil.copytree(context, folder)
    ports = {8081: free_port(), 8082: free_port()}
    compose = (folder / "compose.yaml").read_text()
    for written, free in ports.items():
        compose = compose.replace(f"127.0.0.1:{written}", f"127.0.0.1:{free}")
    (folder / "compose.yaml").write_text(compose)
    key = secrets.token_hex(24)
    (folder / ".env").write_text(f"LOOPAI_SERVE_KEY={key}\n")

    def compose_run(*arguments: str) -> str:
        return engine.run("podman-compose", *arguments, cwd=folder)

    compose_run("up", "--detach", "hub")
    hub = "loopai_hub_1"
    health = yaml.safe_load(compose)["services"]["hub"]["healthcheck"]["test"][1:]
    engine.until("podman", "exec", hub, *health)
    make_key = ("podman", "exec", hub, "loopai", "hub", "keys", "create")
    edge_key = engine.run(*make_key, "edges", "--tenant", "local")
    with (folder / ".env").open("a") as file:
        file.write(f"LOOPAI_API_KEY={edge_key}\n")
    read_key = engine.run(*make_key, "reader", "--tenant", "local", "--scope", "read")
    compose_run("up", "--detach")

    def boxes() -> int:
        asked = ["--url", "http://127.0.0.1:8090", "--api-key", read_key, "--json"]
        listed = engine.run("podman", "exec", hub, "loopai", "hub", "deployments", *asked)
        return len(json.loads(listed))

    wait_until(lambda: boxes() == 2, 120)
    for port in ports.values():
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.post(f"http://127.0.0.1:{port}/execute", headers=headers, **ASKED)
        assert answer.json()["output"] == "spam"
    # Further settings and keys can be written beside the file that came from the seed.
    edge = ("podman", "exec", "loopai_edge-1_1")
    engine.run(*edge, "loopai-runtime", "keys", "create", "caller")
    compose_run("down", "--volumes")
