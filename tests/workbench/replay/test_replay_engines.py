"""Replays on Dask, from S3 and through kills: the same counts as one process gives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from dask_parts import dask, free_port, process
from replay_parts import command, counts, run_replay, write_rows
from support import children_of, clean_environment, promote, server_folder, wait_until

from runtime.data_dir import DataDir
from runtime.tasks import load_task
from workbench.documentation.building import PAGES

pytestmark = pytest.mark.thorough

ROWS = [{"text": "buy now"}, {"text": "see you"}]
SLOW = """
def run(input_data):
    n = 0
    for k in range(8000):
        n += k
    return "spam" if "buy" in input_data["text"] else "ham"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir: DataDir = server_folder(tmp_path_factory.mktemp("replay"))
    promote(data_dir, load_task(data_dir, "spam-detection"), SLOW)
    write_rows(data_dir.root / "rows.jsonl", 8_000)
    return data_dir.root


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    return counts(run_replay(folder, "--from", f"{folder}/rows.jsonl", "--workers", "1"))


def parts_done(output: Path) -> list[Path]:
    return sorted(output.glob("part-*.parquet"))


def rows_in(output: Path) -> list[tuple[int, int]]:
    import duckdb

    return duckdb.sql(
        f"SELECT count(*), count(DISTINCT (source, place)) FROM '{output}/part-*.parquet'"
    ).fetchall()


def test_a_dask_worker_killed_midway_loses_nothing_and_counts_nothing_twice(
    folder: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with ExitStack() as stack:
        address, workers = dask(stack, tmp_path, 3)
        given = ["--from", f"{folder}/rows.jsonl", "--part-mb", "0.02", "--output", str(output)]
        given += ["--engine", "dask", "--scheduler", address]
        report, done = run_and_kill(command(folder, *given), output, workers[0])
    assert done < report["parts"]
    assert counts(report) == expected
    assert len(parts_done(output)) == report["parts"]
    assert rows_in(output) == [(8_000, 8_000)]


def test_candidates_evaluated_on_dask_with_a_killed_worker_are_ranked_as_by_one_process(
    folder: Path, tmp_path: Path
) -> None:
    candidates = tmp_path / "candidates"
    candidates.mkdir()
    for number, word in enumerate(("buy", "number 1", "see")):
        (candidates / f"{number}.py").write_text(SLOW.replace('"buy"', f'"{word}"'))
    given = ["--from", f"{folder}/rows.jsonl", "--program", str(candidates), "--part-mb", "0.05"]
    alone = ranking(run_replay(folder, *given, "--workers", "1", name="evaluate"))
    assert [one["right"] for one in alone] == sorted((one["right"] for one in alone), reverse=True)
    output = tmp_path / "out"
    given += ["--output", str(output), "--keep", "all"]
    with ExitStack() as stack:
        address, workers = dask(stack, tmp_path, 3)
        given += ["--engine", "dask", "--scheduler", address]
        words = command(folder, *given, name="evaluate")
        report, done = run_and_kill(words, output, workers[0])
    assert done < 3 * report["parts"] == len(parts_done(output))
    assert ranking(report) == alone
    assert rows_in(output) == [(3 * 8_000, 8_000)]


def run_and_kill(
    words: list[str], output: Path, worker: subprocess.Popen[bytes]
) -> tuple[dict[str, Any], int]:
    """The report of a command during which a worker was killed, and how many parts were done."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=clean_environment()) as running:
        wait_until(lambda: len(parts_done(output)) >= 5, seconds=60)
        worker.send_signal(signal.SIGKILL)
        done = len(parts_done(output))
        said, _ = running.communicate(timeout=240)
    assert running.returncode == 0
    return json.loads(said), done


def ranking(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in one.items() if name != "latency_ms"}
        for one in report["ranking"]
    ]


def test_dask_started_for_the_while_counts_the_same(folder: Path, expected: dict[str, Any]) -> None:
    given = ("--from", f"{folder}/rows.jsonl", "--part-mb", "0.2", "--workers", "2")
    assert counts(run_replay(folder, *given, "--engine", "dask")) == expected


def test_a_scheduler_that_is_not_there_is_told(folder: Path) -> None:
    given = ("--from", f"{folder}/rows.jsonl", "--engine", "dask")
    report = run_replay(folder, *given, "--scheduler", f"tcp://127.0.0.1:{free_port()}", code=2)
    assert "no Dask scheduler answers" in report["error"]


def test_a_replay_that_was_killed_goes_on_where_it_was(
    folder: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    given = ["--from", f"{folder}/rows.jsonl", "--part-mb", "0.02", "--output", str(output)]
    with subprocess.Popen(
        command(folder, *given, "--workers", "2"),
        stdout=subprocess.DEVNULL,
        env=clean_environment(),
        start_new_session=True,
    ) as running:
        wait_until(lambda: len(parts_done(output)) >= 5, seconds=60)
        os.killpg(running.pid, signal.SIGKILL)
    kept = {part: part.stat().st_mtime_ns for part in parts_done(output)}
    report = run_replay(folder, *given, "--workers", "2")
    assert counts(report) == expected
    assert len(kept) < report["parts"] == len(parts_done(output))
    assert all(part.stat().st_mtime_ns == at for part, at in kept.items())
    assert rows_in(output) == [(8_000, 8_000)]


def test_a_process_of_this_machine_that_dies_takes_no_part_with_it(
    folder: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    given = ["--from", f"{folder}/rows.jsonl", "--part-mb", "0.02", "--output", str(output)]
    words = command(folder, *given, "--workers", "2")
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=clean_environment()) as running:
        wait_until(lambda: len(parts_done(output)) >= 5, seconds=60)
        workers = [child for child in children_of(running.pid) if b"spawn_main" in words_of(child)]
        os.kill(workers[0], signal.SIGKILL)
        done = len(parts_done(output))
        said, _ = running.communicate(timeout=240)
    assert running.returncode == 0
    report = json.loads(said)
    assert done < report["parts"]
    assert counts(report) == expected
    assert rows_in(output) == [(8_000, 8_000)]


def words_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def test_rows_and_results_may_be_on_s3(
    folder: Path, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # of a server of this test
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with process(tmp_path / "s3", *server, ready=b"Running on"):
        import s3fs

        storage = s3fs.S3FileSystem()
        storage.mkdir("history")
        storage.put_file(f"{folder}/rows.jsonl", "history/rows.jsonl")
        given = ("--from", "s3://history/rows.jsonl", "--part-mb", "0.3", "--workers", "2")
        report = run_replay(folder, *given, "--output", "s3://history/out")
        assert counts(report) == expected
        written = parts_on(storage)
        assert len(written) == report["parts"]
        again = run_replay(folder, "--from", "s3://history/rows.jsonl", "--part-mb", "0.3",
                           "--output", "s3://history/out")  # fmt: skip
        assert counts(again) == expected and parts_on(storage) == written
        judged = run_replay(folder, *given, "--version", "v2", "--output", "s3://history/judged",
                            name="evaluate")  # fmt: skip
        assert judged["ranking"][0]["right"] == expected["programs"]["v2"]["same"]
        assert storage.info("history/judged/ranking.parquet")["size"]
        missing = run_replay(folder, "--from", "s3://history/none.jsonl", code=2)
        assert "no such file" in missing["error"]


def parts_on(storage: Any) -> dict[str, Any]:
    """When each result was written."""
    found = storage.ls("history/out", detail=True, refresh=True)
    return {one["name"]: one["LastModified"] for one in found if one["name"].endswith(".parquet")}


@pytest.mark.parametrize("engine", ["ray", "pyspark"])
def test_other_engines_run_a_program_as_the_manual_says(folder: Path, engine: str) -> None:
    if find_spec(engine) is None or (engine == "pyspark" and shutil.which("java") is None):
        pytest.skip(f"{engine} is not installed, or what it needs")
    lines = (PAGES / "howto" / "replay.md").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"import {engine}"))
    end = next(n for n, line in enumerate(lines[start:], start) if line.startswith("```"))
    code = "\n".join(lines[start:end]).replace(
        "loopai-data/artifacts/returns/active", f"{folder}/artifacts/spam-detection/active"
    )
    code = f"import json\nrows = {ROWS}\n{code}\nprint(json.dumps(answers))\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["spam", "ham"]
