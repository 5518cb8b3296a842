"""The built packages, installed into fresh environments as an operator installs them."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from installations import ROOT, Installation, build, fresh
from support import TASK, RunningRuntime, make_task, server_folder

from runtime.data_dir import DataDir

pytestmark = pytest.mark.thorough

PYTHONS = ("3.11", "3.12", "3.13")
#: 60 MB as `du -m` counts them. The largest is Python 3.13's, whose uvloop has 2 MB more.
MOST_BYTES = 60 * 1024 * 1024
WITHOUT_NETWORK = ("unshare", "--net", "--map-root-user")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def edge_box(wheel, tmp_path_factory) -> Installation:
    return fresh(tmp_path_factory.mktemp("edge") / "venv", "3.11", wheel, with_pip=True)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_source_package_builds_the_same_wheel_to_the_byte(built, wheel, tmp_path):
    with tarfile.open(next(built.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path, filter="data")
    build(tmp_path / "dist", next(tmp_path.glob("loopai_workbench-*")), "wheel")
    assert next((tmp_path / "dist").glob("*.whl")).read_bytes() == wheel.read_bytes()
    assert "workbench/sample_tasks/spam-detection/task.yaml" in contents(wheel)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_whole_job_is_done_from_the_wheel_alone(wheel, tmp_path, python):
    installed = fresh(tmp_path / "venv", python, f"{wheel}[workbench]")
    job = ("demo", "--task", "log-line-extraction", "--requests", "300", "--json")
    figures = json.loads(installed.run("loopai", *job).stdout)
    assert figures["requests"] == figures["answered"] == 300
    assert figures["right"] > 0.9
    place = installed.run("python", "-c", "import runtime; print(runtime.__file__)").stdout
    assert str(ROOT) not in place


@pytest.mark.parametrize("python", PYTHONS)
def test_a_small_installation_serves_and_holds_no_more_than_an_edge_box_needs(
    wheel, tmp_path, python
):
    installed = fresh(tmp_path / "venv", python, wheel)
    assert installed.own_bytes() < MOST_BYTES
    interpreter = str(tmp_path / "venv/bin/python")
    with RunningRuntime(server_folder(tmp_path), interpreter=interpreter, cwd=tmp_path) as running:
        assert running.execute({"text": "Buy now"}).json()["output"] == "spam"
    assert "[workbench]" in installed.run("loopai", "demo", code=2).stderr


ASK_FOR_COMPARISONS = """
import sys
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.tasks import load_task
from runtime.validation.oracles import make_comparisons
data_dir = DataDir(sys.argv[1])
try:
    make_comparisons(data_dir, DeploymentConfig(), load_task(data_dir, sys.argv[2]))
except InvalidInputError as error:
    print(error)
"""


def test_a_comparison_that_needs_an_extra_says_which(edge_box, tmp_path):
    data_dir = DataDir(tmp_path / "data")
    for name in ("fuzzy", "semantic"):
        make_task(data_dir, validation={"comparison": name})
        told = edge_box.run("python", "-c", ASK_FOR_COMPARISONS, data_dir.root, TASK).stdout
        assert f"comparison '{name}' needs rapidfuzz" in told
        assert "task.yaml" in told and "loopai-workbench[fuzzy]" in told


def test_an_installation_packs_the_wheel_it_came_from(edge_box, wheel, tmp_path):
    pack = (
        "import pathlib, sys; from workbench.shipping.own_wheel import write_own_wheel; "
        "print(write_own_wheel(pathlib.Path(sys.argv[1])))"
    )
    packed = edge_box.run("python", "-c", pack, tmp_path).stdout.strip()
    one, other = contents(Path(packed)), contents(wheel)
    record = next(name for name in one if name.endswith("/RECORD"))
    assert sorted(one.pop(record).splitlines()) == sorted(other.pop(record).splitlines())
    assert one == other


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_a_wheelhouse_installs_with_no_network(edge_box, tmp_path, python):
    house = tmp_path / "house"
    options = ("--extra", "sync", "--python", python, "--platform", "linux-x86_64", "--json")
    made = json.loads(edge_box.run("loopai", "wheelhouse", house, *options).stdout)
    assert made["bytes"] == sum(path.stat().st_size for path in house.iterdir())
    target = fresh(tmp_path / "venv", python, with_pip=True)
    install = ("install", "-q", "--no-index", "--find-links", "house", "--require-hashes")
    install += ("-r", "house/requirements.txt")
    target.run("pip", *install, under=WITHOUT_NETWORK, cwd=tmp_path)
    assert target.run("loopai-runtime", "version").stdout.startswith("loopai-runtime 0.")
    target.run("python", "-c", "import cryptography, websockets, sync.agent")
    refused = edge_box.run("loopai", "wheelhouse", house, code=2).stderr
    assert "is not an empty folder" in refused


def test_a_wheel_that_was_changed_is_not_installed(edge_box, tmp_path):
    house = tmp_path / "house"
    edge_box.run("loopai", "wheelhouse", house)
    changed = next(house.glob("click-*.whl"))
    with zipfile.ZipFile(changed, "a") as file:
        file.writestr("click/more.py", "print('mine')")
    target = fresh(tmp_path / "venv", "3.11", with_pip=True)
    install = ("install", "-q", "--no-index", "--find-links", house, "--require-hashes")
    done = target.run("pip", *install, "-r", house / "requirements.txt", code=1)
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert hashlib.sha256(changed.read_bytes()).hexdigest() in done.stderr


def test_a_file_that_is_not_the_released_one_is_refused(edge_box, tmp_path):
    """An index that gives another file under the same name and version."""
    index = tmp_path / "index"
    edge_box.run("loopai", "wheelhouse", index)
    changed = next(index.glob("click-*.whl"))
    with zipfile.ZipFile(changed, "a") as file:
        file.writestr("click/more.py", "print('mine')")
    there = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    done = edge_box.run("loopai", "wheelhouse", tmp_path / "house", code=2, **there)
    assert f"{changed.name} is not the file this release was made with" in done.stderr
    assert not (tmp_path / "house").exists()
