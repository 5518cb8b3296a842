"""`loopai replay`: what would change, from the log and from any rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from replay_parts import counts, run_replay, write_rows
from support import add_version, log_line, make_task, server_folder

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.sandbox import ProgramError, Result
from tests.runtime.encryption.encrypted import encrypted_dir
from workbench.replay.replaying import check_output
from workbench.replay.rows import NOTHING, Row
from workbench.replay.tally import Tally

SHOUTING = """
def run(input_data):
    text = input_data["text"]
    if text == "crash":
        return {}["no such key"]
    return "spam" if "buy" in text else "eggs" if text == "eggs" else "ham"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = server_folder(tmp_path_factory.mktemp("replay"))
    write_rows(data_dir.root / "rows.jsonl")
    return data_dir.root


def test_what_would_change_is_counted_and_said_in_words(folder: Path, tmp_path: Path) -> None:
    report = run_replay(
        folder, "--from", f"{folder}/rows.jsonl", "--part-mb", "0.02", "--output", f"{tmp_path}/out"
    )
    program = report["programs"]["v1"]
    wrong = len([n for n in range(2000) if n % 3 == 0 and n % 10 == 0])
    assert (report["rows"], report["skipped"]) == (2000, 0)
    assert (program["compared"], program["changed"]) == (2000, wrong)
    assert program["changes"] == [{"recorded": '"ham"', "now": '"spam"', "rows": wrong}]
    assert "buy" in program["patterns"][0]["pattern"]
    low, high = program["interval"]
    assert low < program["agreement"] == round(1 - wrong / 2000, 6) < high

    import duckdb

    found = duckdb.sql(
        f"SELECT count(*), count(DISTINCT (source, place)), count(*) FILTER (NOT same) "
        f"FROM '{tmp_path}/out/*.parquet'"
    ).fetchall()
    assert found == [(2000, 2000, wrong)]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["rows"] == 2000


def test_the_log_is_replayed_and_too_much_change_is_an_answer_of_no(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    task = make_task(data_dir)
    add_version(data_dir, task)
    log = data_dir.executions("spam-detection")
    log.mkdir(parents=True)
    lines = [log_line(n, input={"text": "buy"}, output="spam") for n in range(8)]
    lines.append(log_line(8, input={"text": "buy"}, output="ham"))
    lines.append(log_line(9, input={"text": "crash"}, output="ham"))
    lines.append(log_line(10, input={"text": "eggs"}, output="ham"))
    lines.append(log_line(11, input={"text": "x"}, output=None, status="error"))
    lines.append(log_line(12, input={"no": "text"}, output="ham"))
    (log / "2026-11-22.jsonl").write_bytes(b"\n".join(lines) + b"\n" + lines[0][:40])
    report = run_replay(tmp_path, "--max-changed", "20", code=1)
    program = report["programs"]["v1"]
    assert (report["rows"], report["skipped"]) == (13, 1)
    assert (program["success"], program["error"], program["unanswered"]) == (10, 3, 1)
    assert (program["compared"], program["same"], program["newly_failing"]) == (12, 8, 3)
    assert run_replay(tmp_path, "--max-changed", "50")["rows"] == 13
    again = run_replay(tmp_path, "--days", "1", code=2)
    assert "no history" in again["error"]


def test_several_programs_are_run_over_the_same_rows(folder: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate.py"
    candidate.write_text(SHOUTING)
    rows = f"{folder}/rows.jsonl"
    report = run_replay(folder, "--version", "v1", "--program", str(candidate), "--from", rows)
    assert set(report["programs"]) == {"v1", str(candidate)}
    assert len({program["same"] for program in report["programs"].values()}) == 1
    candidate.write_text("import os\ndef run(x):\n    return 1\n")
    refused = run_replay(folder, "--program", str(candidate), "--from", rows, code=2)
    assert "os" in refused["error"]


def test_results_already_there_are_used_again_and_other_files_left_alone(
    folder: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, 300)
    given = ("--from", str(rows), "--part-mb", "0.005", "--output", f"{tmp_path}/out")
    first = run_replay(folder, *given)
    parts = sorted((tmp_path / "out").glob("*.parquet"))
    assert len(parts) == first["parts"] > 2
    (tmp_path / "out" / ".part-half.tmp").write_bytes(b"half")
    parts[1].unlink()
    kept = {part: part.stat().st_mtime_ns for part in parts if part.exists()}
    assert counts(run_replay(folder, *given)) == counts(first)
    assert sorted((tmp_path / "out").glob("*.parquet")) == parts
    assert all(part.stat().st_mtime_ns == at for part, at in kept.items())
    assert not (tmp_path / "out" / ".part-half.tmp").exists()
    with rows.open("a") as more:
        more.write('{"input": {"text": "buy"}, "output": "spam"}\n')
    assert run_replay(folder, *given)["rows"] == 301
    assert len(list((tmp_path / "out").glob("*.parquet"))) == len(parts)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InvalidInputError, match=r"thesis\.txt"):
        check_output(f"{tmp_path}/mine")


def test_results_of_an_encrypted_data_directory_are_written_in_the_clear_only_when_agreed_to(
    tmp_path: Path,
) -> None:
    data_dir = encrypted_dir(tmp_path)
    add_version(data_dir, make_task(data_dir))
    rows, output = tmp_path / "rows.jsonl", tmp_path / "out"
    write_rows(rows, 20)
    given = ("--from", str(rows), "--output", str(output))
    refused = run_replay(data_dir.root, *given, code=2)
    assert "in the clear" in refused["error"] and not output.exists()
    assert run_replay(data_dir.root, *given, "--in-the-clear")["rows"] == 20
    assert list(output.glob("*.parquet"))


def test_counts_add_up_the_same_in_any_order() -> None:
    results = [
        Result("success", output="spam", latency_ms=1.0),
        Result("success", output="ham", confidence=0.5, latency_ms=2.0),
        Result("error", error=ProgramError("KeyError", "x", 3), latency_ms=0.1),
    ]
    rows = [
        (Row(n, {"text": f"t{n}"}, NOTHING if n % 7 == 0 else "spam"), results[n % 3])
        for n in range(1000)
    ]
    whole = Tally()
    pieces = [Tally() for _ in range(4)]
    for n, (row, result) in enumerate(rows):
        whole.add(row, result, {})
        pieces[n % 4].add(row, result, {})
    random.Random(3).shuffle(pieces)
    merged = Tally()
    for piece in pieces:
        merged.merge(Tally.from_json(json.loads(json.dumps(piece.as_json()))))
    one, other = whole.as_json(), merged.as_json()
    for found in (one, other):
        found["latency"].pop("total")  # floats added in another order
        found["changed_rows"] = sorted(found["changed_rows"])
        found["same_rows"] = sorted(found["same_rows"])
    assert one == other
