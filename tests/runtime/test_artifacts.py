"""Versions on disk: immutable, promoted in one rename, and runnable with nothing of ours."""

import json
import os
import resource
import subprocess
import sys
import urllib.request
import zipfile
from io import BytesIO

import pytest

from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from runtime.models import ArtifactStatus, ProgramArtifact, Strategy, TaskSpecification

SOURCE = '''"""Shouts."""


def run(input_data):
    return {"loud": input_data["text"].upper()}, 0.75
'''


@pytest.fixture
def task():
    return TaskSpecification(
        name="shout",
        description="Shout.",
        input_schema={"type": "object"},
        output_schema={"type": "object"},
    )


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(DataDir(tmp_path / "data"))


def add(store, task, source=SOURCE):
    artifact = ProgramArtifact(
        task_id=task.id,
        version=1,
        code=source,
        synthesis_strategy=Strategy.RULE,
        confidence_score=0.9,
        status=ArtifactStatus.VALIDATED,
    )
    new = NewArtifact(artifact, evaluation={"accuracy": 0.9}, provenance={}, readme="# Shout\n")
    return store.add(task, new)


def test_a_version_holds_its_six_files_and_nothing_else(store, task):
    version = add(store, task)
    names = {path.name for path in store.data_dir.artifact("shout", version).iterdir()}
    assert names == {
        "program.py",
        "Dockerfile",
        "deployment.yaml",
        "requirements.txt",
        "README.md",
        "metadata.json",
    }


def test_versions_count_up_and_a_removed_number_is_never_used_again(store, task):
    assert [add(store, task) for _ in range(4)] == [1, 2, 3, 4]
    store.activate("shout", 1)
    assert store.prune("shout", keep_versions=1) == [2, 3]
    assert store.versions("shout") == [1, 4]
    assert store.prune("shout", keep_versions=1) == []
    assert add(store, task) == 5


def test_pruning_keeps_the_active_the_one_before_and_those_in_a_rollout(store, task):
    for _ in range(6):
        add(store, task)
    store.activate("shout", 1)
    store.activate("shout", 2)
    store.data_dir.rollout_file("shout").write_text('{"baseline": 2, "candidate": 3}')
    assert store.prune("shout", keep_versions=1) == [4, 5]
    assert store.versions("shout") == [1, 2, 3, 6]


def test_a_rollout_file_that_cannot_be_read_protects_every_version(store, task):
    for _ in range(4):
        add(store, task)
    store.data_dir.rollout_file("shout").write_text("{torn")
    assert store.prune("shout", keep_versions=1) == []


def test_promotion_and_rollback_walk_back_through_what_served(store, task):
    for _ in range(3):
        add(store, task)
    for version in (1, 2, 3):
        store.activate("shout", version)
    assert store.rollback("shout") == 2
    assert store.rollback("shout") == 1
    with pytest.raises(NotFoundError):
        store.rollback("shout")
    assert store.rollback("shout", 3) == 3
    assert [e["event"] for e in store.history("shout")][-1] == "rolled_back"


def test_the_active_link_is_relative_so_the_directory_can_be_moved(store, task, tmp_path):
    add(store, task)
    store.activate("shout", 1)
    moved = store.data_dir.root.rename(tmp_path / "elsewhere")
    assert ArtifactStore(DataDir(moved)).active("shout") == 1
    assert (moved / "artifacts" / "shout" / "active" / "program.py").is_file()


def test_status_follows_from_the_link_and_the_history(store, task):
    add(store, task)
    add(store, task)
    assert store.status("shout", 1) is ArtifactStatus.VALIDATED
    store.activate("shout", 1)
    store.activate("shout", 2)
    assert store.status("shout", 1) is ArtifactStatus.DEPRECATED
    assert store.status("shout", 2) is ArtifactStatus.ACTIVE


def test_a_changed_program_is_refused_and_the_active_version_stays(store, task):
    add(store, task)
    add(store, task)
    store.activate("shout", 1)
    program = store.data_dir.artifact("shout", 2) / "program.py"
    program.write_text(program.read_text() + "# edited\n")
    with pytest.raises(InvalidInputError, match="SHA-256"):
        store.activate("shout", 2)
    assert store.active("shout") == 1


def test_the_zip_of_a_version_has_the_same_bytes_wherever_it_is_made(store, task):
    add(store, task)
    first = store.zip_bytes("shout", 1)
    for path in store.data_dir.artifact("shout", 1).iterdir():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    assert store.zip_bytes("shout", 1) == first
    with zipfile.ZipFile(BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 6


def test_code_reads_back_without_its_launcher(store, task):
    add(store, task)
    artifact = store.read("shout", 1)
    assert artifact.code == SOURCE
    assert artifact.version == 1


def test_a_disk_that_refuses_leaves_no_half_written_version(store, task):
    add(store, task)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(LoopaiError, match="File too large"):
            add(store, task)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    names = {path.name for path in store.data_dir.artifacts("shout").iterdir()}
    assert names == {"v1"}


def bare_python(*arguments, **options):
    """A Python that sees neither our packages nor any other."""
    return [sys.executable, "-I", "-S", *arguments]


def test_program_py_answers_json_lines_with_nothing_of_ours_installed(store, task, tmp_path):
    add(store, task)
    program = store.data_dir.artifact("shout", 1) / "program.py"
    lines = '{"text": "buy now"}\n\nnot json\n{"wrong": 1}\n{"text": NaN}\n'
    done = subprocess.run(
        bare_python(str(program)),
        input=lines,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={},
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0]["output"] == {"loud": "BUY NOW"}
    assert answers[0]["confidence"] == 0.75
    assert all("error" in answer for answer in answers[1:])
    assert len(answers) == 4
    assert done.returncode == 1
    assert done.stderr == ""


def test_program_py_serves_http_with_nothing_of_ours_installed(store, task, tmp_path):
    add(store, task)
    program = store.data_dir.artifact("shout", 1) / "program.py"
    with subprocess.Popen(
        bare_python(str(program), "--serve", "0"),
        stderr=subprocess.PIPE,
        text=True,
        env={},
        cwd=tmp_path,
    ) as server:
        try:
            url = server.stderr.readline().split()[-1]
            body = json.dumps({"input": {"text": "hi"}}).encode()
            with urllib.request.urlopen(url, body, timeout=10) as answer:
                assert json.load(answer)["output"] == {"loud": "HI"}
        finally:
            server.terminate()
