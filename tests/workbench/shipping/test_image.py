"""The container image: its build context, and the image itself as far as it goes with no engine.

What is not run: another processor than this machine's. An engine runs it in test_container_engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml
from compose_spec import PyCompose
from container_engine import free_port
from root_file_system import Image, build
from support import (
    TASK,
    RunningRuntime,
    children_of,
    logged,
    wait_until,
)

from runtime.data_dir import DataDir
from sync.status import read_link

pytestmark = pytest.mark.thorough

KEY = "the serving key of this test"


@pytest.fixture(scope="module")
def image(context, debian, tmp_path_factory) -> Image:
    return build(context, debian, tmp_path_factory.mktemp("root"))


def volume_of(folder: Path, image: Image) -> Path:
    volume = folder / "volume"
    volume.mkdir(parents=True)
    owner, group = map(int, image.user.split(":"))
    os.chown(volume, owner, group)
    folder.chmod(0o755)
    return volume


class Container:
    """The image running; its port is this machine's, as no network of its own is made."""

    def __init__(self, image: Image, volume: Path, environment: dict[str, str], *command: str):
        self.port = free_port()
        environment = {**environment, "LOOPAI_PORT": str(self.port)}
        self._process = image.start(volume, environment, *command)
        self.environment = {**image.environment, **environment}
        self._image = image
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}")
        self.output: list[str] = []

    def wait_for(self, words: str) -> None:
        for line in self._process.stdout:
            self.output.append(line)
            if words in line:
                return
        raise AssertionError("".join(self.output))

    @property
    def first_process(self) -> int:
        """Process 1 of the container, by the number it has outside."""
        return children_of(self._process.pid)[0]

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program beside it, as `docker exec` would."""
        enter = ["nsenter", "--target", str(self.first_process), "--mount", "--pid"]
        enter += ["chroot", f"--userspec={self._image.user}", str(self._image.root), "env", "-i"]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return subprocess.run([*enter, *variables, *command], capture_output=True, text=True)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *exception: object) -> None:
        self.http.close()
        self._process.kill()  # with it goes process 1, and so everything
        self._process.stdout.close()
        self._process.wait()


def test_the_linter_finds_nothing_in_the_dockerfile(context):
    hadolint = Path(sys.prefix) / "bin" / "hadolint"
    done = subprocess.run(
        [str(hadolint), str(context / "Dockerfile")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_holds_to_the_specification(context):
    text = (context / "compose.yaml").read_text()
    made = yaml.safe_load(text)  # `<<` is YAML's, not the specification's
    services = PyCompose.from_json(json.dumps(made)).to_spec().services
    assert sorted(services) == ["edge-1", "edge-2", "hub"]
    assert all(service.read_only for service in services.values())
    made["services"]["hub"]["read_only"] = "sometimes"
    with pytest.raises(ValueError):
        PyCompose.from_json(json.dumps(made)).to_spec()


def test_the_image_serves_with_nothing_but_keys_and_a_volume(image, tmp_path):
    volume = volume_of(tmp_path, image)
    given = {"LOOPAI_TASK_ID": TASK, "LOOPAI_SERVE_KEY": KEY, "LOOPAI_API_KEY": "a key for a hub"}
    given["LOOPAI_WORKERS"] = "1"
    with Container(image, volume, given) as box:
        box.wait_for("Serving spam-detection")
        asked = {"json": {"input": {"text": "buy now"}}}
        assert box.http.post("/execute", **asked).status_code == 401
        box.http.headers["Authorization"] = f"Bearer {KEY}"
        assert box.http.post("/execute", **asked).json()["output"] == "spam"
        health = box.inside(*image.health)
        assert (health.returncode, health.stdout) == (0, "/ready: 200\n")

        status = Path(f"/proc/{box.first_process}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == [image.user.split(":")[0]] * 4
        assert fields["NoNewPrivs"] == "1"
        assert {int(fields[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd")} == {0}
        assert "Read-only file system" in box.inside("touch", "/opt/loopai/new").stderr
        assert "Read-only file system" in box.inside("touch", "/new").stderr

        # Process 1 is the supervisor: it starts a killed worker again and leaves no zombie.
        def workers() -> set[int]:
            return {
                pid
                for pid in children_of(box.first_process)
                if b"steward" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            }

        before = wait_until(workers)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: (now := workers()) and not now & before, 30)
        wait_until(lambda: _answers(box), 30)
        states = {
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            for pid in children_of(box.first_process)
        }
        assert "Z" not in states
        started = time.monotonic()
        os.kill(box.first_process, signal.SIGTERM)
        box.wait_for("stopped")
        assert time.monotonic() - started < 10
    assert len(logged(DataDir(volume))) >= 2


def _answers(box: Container) -> bool:
    try:
        return box.http.post("/execute", json={"input": {"text": "buy"}}).status_code == 200
    except httpx.TransportError:
        return False


def test_what_is_on_the_volume_stands_when_the_image_is_started_again(image, tmp_path):
    volume = volume_of(tmp_path, image)
    task_file = DataDir(volume).task_file(TASK)
    given = {"LOOPAI_TASK_ID": TASK, "LOOPAI_SERVE_KEY": KEY, "LOOPAI_WORKERS": "1"}
    for _ in range(2):
        with Container(image, volume, given) as box:
            box.wait_for("Serving spam-detection")
        if "Edited" not in task_file.read_text():
            task_file.write_text(f"{task_file.read_text()}\n# Edited by a person.\n")
            edited = task_file.read_bytes()
    assert task_file.read_bytes() == edited


def test_a_hub_and_two_boxes_work_together_as_the_compose_file_says(image, context, tmp_path):
    services = yaml.safe_load((context / "compose.yaml").read_text())["services"]
    hub = services["hub"]
    loopai, *arguments = hub["entrypoint"]
    of_the_hub = Image(image.root, image.environment, image.user, [loopai], volume=image.volume)
    given = {**hub["environment"]}
    with Container(of_the_hub, volume_of(tmp_path / "hub", image), given, *arguments, "--port",
                   str(port := free_port())) as running:  # fmt: skip
        running.wait_for("signing key")
        test = hub["healthcheck"]["test"]
        assert test[0] == "CMD"
        check = [str(port) if part == "8090" else part for part in test[1:]]
        wait_until(lambda: running.inside(*check).returncode == 0, 30)
        made = running.inside(loopai, "hub", "keys", "create", "edges", "--tenant", "local")
        key = made.stdout.strip()
        boxes = []
        try:
            for name in ("edge-1", "edge-2"):
                volume = volume_of(tmp_path / name, image)
                settings = (context / "edge.yaml").read_text()
                configuration = DataDir(volume).deployment_file
                configuration.parent.mkdir()
                configuration.write_text(settings.replace("hub:8090", f"127.0.0.1:{port}"))
                environment = {**services[name]["environment"], "LOOPAI_SERVE_KEY": KEY}
                environment |= {"LOOPAI_API_KEY": key, "LOOPAI_WORKERS": "1"}
                box = Container(image, volume, environment)
                boxes.append((box, volume))
            for box, volume in boxes:
                wait_until(partial(_is_registered, DataDir(volume)), 60)
                assert box.inside(*image.health).returncode == 0
        finally:
            for box, _ in boxes:
                box.__exit__()


def _is_registered(data_dir: DataDir) -> bool:
    link = read_link(data_dir)
    return link is not None and link["registered"]


def test_two_containers_on_one_volume_log_each_execution_once(image, tmp_path):
    """Both have the same process numbers, as two pods have."""
    volume = volume_of(tmp_path, image)
    given = {"LOOPAI_TASK_ID": TASK, "LOOPAI_SERVE_KEY": KEY, "LOOPAI_WORKERS": "2"}
    answered = []
    with Container(image, volume, given) as one, Container(image, volume, given) as other:
        for box in (one, other):
            box.wait_for("Serving spam-detection")
            box.http.headers["Authorization"] = f"Bearer {KEY}"
        for number in range(100):
            for box in (one, other):
                answer = box.http.post("/execute", json={"input": {"text": f"buy {number}"}})
                answered.append(answer.json()["execution_id"])
    assert sorted(record["execution_id"] for record in logged(DataDir(volume))) == sorted(answered)


def test_replicas_that_start_at_once_plant_the_same_things_once(context, tmp_path):
    """Needs no chroot: the seed of the image, planted by two runtimes on one empty folder."""
    data_dir = DataDir(tmp_path / "volume")
    data_dir.root.mkdir()
    seed = ("--seed", str(context / "seed"))
    with RunningRuntime(data_dir, *seed) as one, RunningRuntime(data_dir, *seed) as other:
        for replica in (one, other):
            assert replica.execute({"text": "buy"}).json()["program_version"] == 1
    left = [path.name for path in data_dir.root.rglob(".*")]
    assert left == []
