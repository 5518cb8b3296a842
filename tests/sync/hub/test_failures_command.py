"""`loopai hub failures`: why executions fail, over all boxes, from the database or from rows."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runtime.errors import InvalidInputError, NotFoundError
from tests.support import TASK, clean_environment, wait_until
from tests.sync.hub.test_hub import batch, execution
from tests.sync.hub.test_improvement import validations
from tests.workbench.replay.dask_parts import dask
from workbench.commands.hub import command

ERROR = {"type": "KeyError", "message": "no such key 17", "line": 3}


def tell(hub: Any, rows: list[dict[str, Any]], stream: str, key: str, **box: str) -> None:
    with hub.client("edge") as http:
        answer = http.post("/api/v1/telemetry", content=batch(key, rows, stream, **box))
        assert answer.json()["rejected"] == []


def fill(hub: Any, count: int) -> None:
    """Judged executions, a quarter wrong ("refund"); others, of which box-2's fail on "crash"."""
    judged = validations(count)
    for place in range(0, count, 10_000):
        tell(hub, judged[place : place + 10_000], f"{TASK}/validations", f"judged-{place:08}")
    executed = [
        execution(
            number,
            status="error" if number % 10 == 0 else "success",
            error=ERROR if number % 10 == 0 else None,
            input={"text": f"{'crash' if number % 10 == 0 else 'see'} {number}"},
        )
        for number in range(count)
    ]
    for box, rows in (("box-1", executed[1::2]), ("box-2", executed[::2])):
        for place in range(0, len(rows), 10_000):
            key = f"{box}-{place:08}"
            tell(hub, rows[place : place + 10_000], TASK, key, deployment=box)


def run(*words: str) -> dict[str, Any]:
    given = ["failures", "--json", "--workers", "1", *words]
    done = CliRunner().invoke(command, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def steady(report: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on how the work was cut and spread."""
    return {name: report[name] for name in ("rows", "failed", "skipped", "groups")}


def test_failures_are_grouped_counted_exactly_and_put_in_words(
    hub: Any, database: str | None, tmp_path: Path
) -> None:
    fill(hub, 400)
    place = ["--folder", str(tmp_path / "hub"), *(["--database", database] if database else [])]
    output = tmp_path / "out"
    given = [*place, "--tenant", "acme", "--part-rows", "70", "--output", str(output)]
    report = run(*given)
    assert (report["rows"], report["failed"]) == (800, 140)
    judged, executed = report["groups"]
    assert (judged["task"], judged["version"], judged["kind"]) == (TASK, 1, "judged")
    assert (judged["rows"], judged["failed"]) == (400, 100)
    assert judged["causes"] == [{"answered": '"ham"', "right": '"spam"', "rows": 100}]
    (refund,) = judged["slices"]
    assert refund["slice"] == 'have "refund" in text'
    assert (refund["rows"], refund["failed"], refund["elsewhere"]) == (100, 100, 0.0)
    assert judged["examples"] and all(
        "refund" in one["input"]["text"] for one in judged["examples"]
    )
    assert "100 of 400 judged executions" in judged["in_words"][0]
    assert (executed["rows"], executed["failed"], executed["statuses"]) == (400, 40, {"error": 40})
    assert executed["causes"] == [{"error": "KeyError: no such key #", "rows": 40}]
    assert executed["slices"][0]["slice"] == 'have "crash" in text'
    assert executed["deployments"] == [
        {"deployment": "box-2", "rows": 200, "failed": 40, "rate": 0.2, "worse": True}
    ]
    assert any(said.startswith("on box-2 it fails more often") for said in executed["in_words"])

    import duckdb

    failures = duckdb.sql(
        f"SELECT kind, slice, count(*), count(DISTINCT place) FROM '{output}/part-*.parquet'"
        " GROUP BY ALL ORDER BY 1"
    ).fetchall()
    assert failures == [
        ("executed", 'have "crash" in text', 40, 40),
        ("judged", 'have "refund" in text', 100, 100),
    ]
    groups = duckdb.sql(f"SELECT count(*) FROM '{output}/groups.parquet'").fetchall()
    assert groups == [(2 + sum(len(one["slices"]) for one in report["groups"]),)]
    kept = {part: part.stat().st_mtime_ns for part in output.glob("part-*")}
    assert steady(run(*given)) == steady(report)
    assert {part: part.stat().st_mtime_ns for part in output.glob("part-*")} == kept
    assert run("other-task", TASK, *place, "--tenant", "acme", "--days", "36500")["rows"] == 800
    for none in (["--tenant", "other"], ["other-task", "--tenant", "acme"]):
        with pytest.raises(NotFoundError, match="nothing that was asked for"):
            run(*place, *none)

    rows = str(tmp_path / "rows.jsonl")
    words = ["rows", TASK, rows, "--tenant", "acme", "--json", *place]
    assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    (again,) = run("--from", rows, "--part-mb", "0.02")["groups"]
    same = ("task", "version", "rows", "failed", "share", "causes", "slices", "days", "deployments")
    assert [again[name] for name in same] == [judged[name] for name in same]


def test_what_is_no_row_is_told_and_what_was_asked_wrongly_too(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"input": {"text": "a"}, "output": 1, "answered": 1.0}\n[1]\n{"input": {}}\n'
        '{"input": {"text": "b"}, "output": 1, "answered": 2, "version": 3}\n'
    )
    report = run("--from", str(rows))
    assert (report["rows"], report["failed"], report["skipped"]) == (2, 1, 2)
    assert report["groups"][0]["version"] == 3
    assert "neither match" in report["problems"][1]
    with pytest.raises(InvalidInputError, match="--tenant"):
        run()
    with pytest.raises(NotFoundError, match="no hub's database"):
        run("--tenant", "acme", "--folder", str(tmp_path))
    assert not (tmp_path / "hub.db").exists()


@pytest.mark.thorough
def test_on_dask_with_a_killed_worker_every_failure_is_there_once(tmp_path: Path) -> None:
    from tests.sync.conftest import RunningHub

    hub = RunningHub(tmp_path / "hub", None)
    try:
        fill(hub, 20_000)
    finally:
        hub.stop()
    place = ["--folder", str(tmp_path / "hub"), "--tenant", "acme"]
    alone = run(*place)
    output = tmp_path / "out"
    with ExitStack() as stack:
        address, workers = dask(stack, tmp_path, 3)
        given = ["hub", "failures", "--json", *place, "--part-rows", "400"]
        given += ["--output", str(output), "--engine", "dask", "--scheduler", address]
        words = [sys.executable, "-m", "workbench", *given]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=clean_environment()) as running:
            wait_until(lambda: len(list(output.glob("part-*.parquet"))) >= 5, seconds=120)
            workers[0].send_signal(signal.SIGKILL)
            done = len(list(output.glob("part-*.parquet")))
            said, _ = running.communicate(timeout=240)
        assert running.returncode == 0
    report = json.loads(said)
    assert done < report["parts"] == len(list(output.glob("part-*.parquet")))
    assert steady(report) == steady(alone)

    import duckdb

    found = duckdb.sql(
        f"SELECT count(*), count(DISTINCT (kind, place)) FROM '{output}/part-*.parquet'"
    ).fetchall()
    assert found == [(report["failed"], report["failed"])]
