"""`loopai evaluate`: many candidates over labelled rows, ranked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from replay_parts import command, run_json, run_replay, write_rows
from support import add_version, make_task, server_folder

from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from workbench.commands.evaluate import command as evaluate_command

ROWS = 600
WRONG = len([n for n in range(ROWS) if n % 3 == 0 and n % 10 == 0])
STRATEGIES = ("--strategy", "rule", "--strategy", "ml")
BUY = 'def run(x):\n    return "spam" if "buy" in x["text"] else "ham"\n'
HAM = 'def run(x):\n    return "ham"\n'
BROKEN = 'def run(x):\n    return {}["none"]\n'
REFUSED = "import os\ndef run(x):\n    return 1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = server_folder(tmp_path_factory.mktemp("evaluate"))
    write_rows(data_dir.root / "rows.jsonl", ROWS)
    candidates = data_dir.root / "candidates"
    (candidates / "deeper").mkdir(parents=True)
    for name, source in {
        "a.py": HAM, "deeper/b.py": BUY, "c.py": BUY, "d.py": BROKEN, "e.py": REFUSED
    }.items():  # fmt: skip
        (candidates / name).write_text(source)
    return data_dir.root


def run_evaluate(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    return run_replay(folder, *arguments, code=code, name="evaluate")


def steady(report: dict[str, Any]) -> list[dict[str, Any]]:
    """A ranking without times."""
    return [
        {name: value for name, value in one.items() if name != "latency_ms"}
        for one in report["ranking"]
    ]


def test_a_folder_of_candidates_is_ranked_and_what_was_done_is_used_again(
    folder: Path, tmp_path: Path
) -> None:
    candidates, output = folder / "candidates", tmp_path / "out"
    given = ("--from", f"{folder}/rows.jsonl", "--program", str(candidates), "--part-mb", "0.02")
    report = run_evaluate(folder, *given, "--output", str(output))
    best, ham, broken = report["ranking"]
    assert (report["rows"], report["labelled"]) == (ROWS, ROWS)
    assert [one["rank"] for one in report["ranking"]] == [1, 2, 3]
    assert best["candidate"] == f"{candidates}/c.py"
    assert report["same"] == {best["candidate"]: [f"{candidates}/deeper/b.py"]}
    assert list(report["refused"]) == [f"{candidates}/e.py"]
    assert best["right"] == ROWS - WRONG
    assert best["interval"][0] < best["accuracy"] == round(1 - WRONG / ROWS, 6)
    assert best["mistakes"] == [{"expected": '"ham"', "answered": '"spam"', "rows": WRONG}]
    spam = best["classes"]['"spam"']
    assert (spam["support"], spam["recall"]) == (ROWS // 3 - WRONG, 1.0)
    assert spam["precision"] == round(1 - WRONG / (ROWS // 3), 6)
    assert best["worst_class"] == '"ham"' and ham["worst_class"] == '"spam"'
    assert not ham["may_be_best"]
    assert (broken["errors"], broken["right"]) == (ROWS, 0)

    import duckdb

    parts = f"'{output}/part-*.parquet'"
    wrong = duckdb.sql(f"SELECT program, count(*) FROM {parts} GROUP BY ALL").fetchall()
    assert dict(wrong) == {one["candidate"]: ROWS - one["right"] for one in report["ranking"]}
    ranked = duckdb.sql(
        f"SELECT candidate, accuracy, classes[1].class FROM '{output}/ranking.parquet'"
    ).fetchall()
    assert [row[:2] for row in ranked] == [
        (one["candidate"], one["accuracy"]) for one in report["ranking"]
    ]
    assert ranked[0][2] == '"ham"'
    assert json.loads((output / "summary.json").read_text())["labelled"] == ROWS

    kept = {part: part.stat().st_mtime_ns for part in output.glob("part-*")}
    assert len(kept) == 3 * report["parts"] > 3
    more = tmp_path / "more.py"
    more.write_text(HAM + "# another\n")
    again = run_evaluate(
        folder, *given, "--program", str(more), "--output", str(output), "--workers", "1"
    )
    assert steady(again)[0] == steady(report)[0]
    assert all(part.stat().st_mtime_ns == at for part, at in kept.items())
    assert len(list(output.glob("part-*"))) == 4 * report["parts"]


@pytest.mark.thorough
def test_all_candidates_of_a_run_are_judged_by_a_field_of_parquet(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    data_dir = DataDir(tmp_path / "data")
    add_version(data_dir, make_task(data_dir))
    folder = data_dir.root
    write_rows(data_dir.examples_file("spam-detection"), 80)
    run_json(command(folder, *STRATEGIES, name="synthesize"))
    columns = {"text": [f"buy number {n}" for n in range(40)], "label": ["spam", "ham"] * 20}
    rows = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), rows)
    given = ("--from", str(rows), "--run", "1", "--version", "v1")
    report = run_evaluate(folder, *given, "--expected", "label")
    assert report["labelled"] == 40
    assert {one["candidate"].partition(" #")[0] for one in report["ranking"]} == {"v1", "run 1"}
    assert len(report["ranking"]) > 2
    for wrong, words in (
        (given, "--expected"),
        (given[:2], "which candidates?"),
        ((*given[:2], "--run", "9"), "no run 9"),
    ):
        with pytest.raises(LoopaiError, match=words):
            CliRunner().invoke(
                evaluate_command,
                ["spam-detection", *wrong, "--workers", "1", "--data-dir", str(folder)],
                catch_exceptions=False,
            )
