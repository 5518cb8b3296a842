"""Every block of code in the manual and the README is run, or says why it is not."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from code_blocks import Block, blocks_of, needs_of, pages_in, script_of
from support import clean_environment

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.models import TaskSpecification
from workbench.documentation.building import PAGES

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", *pages_in(PAGES)]
# Shown, not run: output, a notebook's text, a folder's listing.
SHOWN = ("", "text", "markdown", "{toctree}", "http")

documents = pytest.mark.parametrize(
    "page", DOCUMENTS, ids=[str(page.relative_to(ROOT)) for page in DOCUMENTS]
)


def _check_yaml(text: str, folder: Path) -> None:
    """As `deployment.yaml` or part of `task.yaml`, when its first line says so; else as YAML."""
    first = text.splitlines()[0]
    if "task.yaml" in first:
        given = yaml.safe_load(text)
        whole = {"name": "t", "description": "d", "input_schema": {}, "output_schema": {}, **given}
        TaskSpecification.model_validate(whole)
    elif "deployment.yaml" in first:
        file = folder / "deployment.yaml"
        file.write_text(text)
        load_deployment(file, required=True)
    else:
        assert yaml.safe_load(text) is not None


CHECKS: dict[str, Callable[[str, Path], object]] = {
    "yaml": _check_yaml,
    "json": lambda text, folder: json.loads(text),
    "toml": lambda text, folder: tomllib.loads(text),
    "ini": lambda text, folder: configparser.ConfigParser(strict=False).read_string(text),
}


@documents
def test_what_is_data_is_what_it_says(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page.read_text()):
        if block.language in SHOWN or block.language in ("sh", "python") or block.not_run:
            continue
        assert block.language in CHECKS, f"{page.name}:{block.line}: {block.language}"
        try:
            CHECKS[block.language](block.text, tmp_path)
        except Exception as error:
            raise AssertionError(f"{page.name}:{block.line}: {error}") from error


RETURNS = "colour,size,price,verdict\n" + "".join(
    f"{colour},{size},{price},{'keep' if price < 20 else 'return'}\n"
    for colour in ("red", "blue", "green")
    for size in ("s", "m", "l")
    for price in (9.5, 12, 18, 19, 25, 31, 40, 55)
)


@pytest.fixture(scope="module")
def returns_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a page gets that needs `returns_csv`: that table alone."""
    folder = tmp_path_factory.mktemp("returns-csv")
    (folder / "returns.csv").write_text(RETURNS)
    return folder


@pytest.fixture(scope="module")
def returns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a page gets that needs `returns`: a task of that table with two versions, one of them
    serving, and a log."""
    folder = tmp_path_factory.mktemp("returns")
    (folder / "returns.csv").write_text(RETURNS)
    for words in (
        "task new returns --from returns.csv --output verdict",
        "synthesize returns --strategy rule",
        "synthesize returns --strategy dsl",
        "promote returns v1",
    ):
        subprocess.run(
            [sys.executable, "-m", "workbench", *words.split()],
            cwd=folder,
            env=clean_environment(),
            check=True,
            capture_output=True,
        )
    log = DataDir(folder / "loopai-data").executions("returns")
    log.mkdir(parents=True)
    lines = [
        {
            "v": 1, "execution_id": f"00000000-0000-7000-8000-{n:012d}", "task_id": "x",
            "program_version": 1, "input": {"colour": "red", "size": "s", "price": n},
            "output": "keep" if n < 20 else "return", "status": "success", "confidence": 0.9,
            "latency_ms": 0.2, "timestamp": f"2026-11-22T10:00:{n:02}.000000Z",
        }
        for n in range(50)
    ]  # fmt: skip
    (log / "2026-11-22.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.mark.thorough
@documents
def test_code_runs_as_it_stands(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text()
    blocks: list[Block] = blocks_of(text)
    script = script_of(blocks)
    if "##" not in script:
        pytest.skip("it has no code to run")
    environment = clean_environment() | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    folder = tmp_path / "work"
    folder.mkdir()
    for name in needs_of(text):
        shutil.copytree(request.getfixturevalue(name), folder, symlinks=True, dirs_exist_ok=True)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout[-4000:]}"
    assert "Traceback" not in done.stdout, done.stdout[-4000:]


@documents
def test_what_is_not_run_says_why(page: Path) -> None:
    for block in blocks_of(page.read_text()):
        assert not block.not_run or len(block.not_run.split()) >= 3, f"{page.name}:{block.line}"
