"""What each kind of cell does, on a program that is there."""

from __future__ import annotations

import threading

import pytest
from support import log_line, wait_until
from workbench_notebooks import EXAMPLES_CELL, TASK_CELL, Opened, cell, prepared, written

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.rollout.document import read_rollout
from runtime.tasks import load_task
from workbench.synthesis.done_share import DoneShare, told


def test_a_task_and_examples_are_written_into_the_data_directory(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    outputs = Opened(written(tmp_path, TASK_CELL, EXAMPLES_CELL), data_dir).run()
    assert [output.status for output in outputs.values()] == ["ok", "ok"]
    assert len(load_task(data_dir, "spam-detection").examples) == 4


def test_examples_are_added_and_never_removed(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    Opened(written(tmp_path, TASK_CELL, EXAMPLES_CELL), data_dir).run()
    more = cell("examples", '{"input": {"text": "lunch today"}, "output": "spam"}')
    outputs = Opened(written(tmp_path, TASK_CELL, more), data_dir).run()
    assert outputs["examples 1"].summary == "1 examples, 1 of them new; spam-detection has 4"
    examples = load_task(data_dir, "spam-detection").examples
    assert {e.input["text"]: e.output for e in examples}["lunch today"] == "spam"


def test_a_file_beside_the_notebook_stands_for_the_body(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    body = TASK_CELL.removeprefix("```task\n").removesuffix("```\n")
    (tmp_path / "task.yaml").write_text(body, encoding="utf-8")
    file = written(tmp_path, cell("task", "file: task.yaml"), cell("examples", "file: none.jsonl"))
    outputs = Opened(file, data_dir).run()
    assert outputs["task 1"].status == "ok"
    assert outputs["examples 1"].status == "error"
    assert "there is no file 'none.jsonl'" in outputs["examples 1"].summary


def test_try_shows_outputs_and_what_goes_wrong(tmp_path):
    inputs = '{"text": "buy"}\n\n# a remark\n{"text": "crash"}'
    opened = Opened(written(tmp_path, TASK_CELL, cell("try", inputs)), prepared(tmp_path))
    output = opened.run()["try 1"]
    assert output.summary == "spam-detection v1 on 2 inputs, 1 without an answer"
    first, second = output.parts[0]["rows"]
    assert first[:4] == [{"text": "buy"}, "spam", "success", 0.75]
    assert second[2] == "error"
    assert "KeyError" in second[1]


def test_an_expectation_that_does_not_hold_fails_the_cell_and_names_its_line(tmp_path):
    lines = (
        '{"input": {"text": "buy"}, "output": "spam"}\n{"input": {"text": "a"}, "output": "spam"}'
    )
    opened = Opened(written(tmp_path, TASK_CELL, cell("expect", lines)), prepared(tmp_path))
    output = opened.run()["expect 1"]
    assert output.status == "failed"
    assert output.summary == "spam-detection v1: 1 of 2 expectations hold"
    rows = output.parts[1]["rows"]
    assert [row[1] for row in rows] == ["yes", "no"]
    assert opened.document.text.splitlines()[rows[1][0] - 1].startswith('{"input": {"text": "a"}')


def test_sql_and_chart_read_the_log(tmp_path):
    data_dir = prepared(tmp_path)
    log = data_dir.executions("spam-detection") / "2026-11-22.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"".join(log_line(number) + b"\n" for number in range(30)))
    sql = "select status, count(*) as n from executions group by 1"
    chart = f"kind: bar\nx: status\ny: n\nsql: {sql}"
    file = written(
        tmp_path, cell("sql", sql), cell("sql limit=5", "from executions"), cell("chart", chart)
    )
    outputs = Opened(file, data_dir).run()
    assert outputs["sql 1"].parts[0]["rows"] == [["success", 30]]
    assert outputs["sql 2"].summary == "more than 5 rows"
    assert outputs["chart 1"].parts[0]["rows"] == [["success", 30]]


def test_compare_shows_which_answers_differ(tmp_path):
    data_dir = prepared(tmp_path, versions=2)
    file = written(tmp_path, TASK_CELL, EXAMPLES_CELL, cell("compare"))
    output = Opened(file, data_dir).run()["compare 1"]
    assert "1 of 4 answers differ: 1 become right, 0 become wrong" in output.summary
    assert output.parts[-1]["language"] == "diff"


def test_promote_serves_a_version_and_not_when_an_expectation_fails(tmp_path):
    data_dir = prepared(tmp_path, versions=2)
    store = ArtifactStore(data_dir)
    wrong = cell("expect", '{"input": {"text": "a"}, "output": "spam"}')
    outputs = Opened(written(tmp_path, TASK_CELL, wrong, cell("promote", "v2")), data_dir).run()
    assert outputs["promote 1"].status == "skipped"
    assert outputs["promote 1"].summary == "expect 1 above does not hold"
    assert store.active("spam-detection") == 1
    outputs = Opened(written(tmp_path, TASK_CELL, cell("promote", "v2")), data_dir).run()
    assert outputs["promote 1"].summary == "spam-detection now serves v2 (before: v1)"
    assert store.active("spam-detection") == 2
    again = Opened(written(tmp_path, TASK_CELL, cell("promote", "v2")), data_dir).run()
    assert again["promote 1"].summary == "spam-detection serves v2 already"


def test_promote_staged_begins_a_rollout_beside_the_version_that_serves(tmp_path):
    data_dir = prepared(tmp_path, versions=2)
    outputs = Opened(written(tmp_path, TASK_CELL, cell("promote", "staged")), data_dir).run()
    assert outputs["promote 1"].status == "ok", outputs["promote 1"].summary
    assert ArtifactStore(data_dir).active("spam-detection") == 1
    rollout = read_rollout(data_dir, "spam-detection")
    assert rollout is not None
    assert (rollout.baseline, rollout.candidate) == (1, 2)


@pytest.mark.parametrize(
    ("kind", "body", "line", "words"),
    [
        ("try", '{"text": 1}', 1, "is not of type"),
        ("try", "nonsense", 1, "not JSON"),
        ("try", "", 0, "holds no input"),
        ("expect", "accuracy >= lots", 1, "is no expectation"),
        ("expect", "# a remark\nspeed < 3", 2, "there is no figure 'speed'"),
        ("expect", "r2 > 0.5", 1, "report has no r2"),
        ("synthesize", "seed: x", 1, "must be a whole number"),
        ("synthesize", "colour: red", 1, "there is no such key"),
        ("synthesize", "strategies: [magic]", 1, "must name strategies"),
        ("sql", "drop table executions", 1, "only one SELECT"),
        ("sql limit=0", "select 1", 0, "no number from 1"),
        ("chart", "kind: pie\nx: a\ny: b\nsql: select 1", 1, "there is no chart 'pie'"),
        ("chart", "x: a\ny: b\nsql: select 1 as c", 0, "no column 'a'"),
        ("promote", "later", 1, "nothing to promote"),
        ("promote", "v9", 1, "there is no version 'v9'"),
    ],
    ids=lambda value: str(value).replace("\n", " ")[:20] if isinstance(value, str) else None,
)
def test_a_cell_that_is_wrong_says_so_with_its_line(tmp_path, kind, body, line, words):
    opened = Opened(written(tmp_path, TASK_CELL, cell(kind, body)), prepared(tmp_path))
    output = list(opened.run().values())[-1]
    assert output.status == "error"
    assert words in output.summary
    (index,) = opened.document.cells[1:]
    assert output.parts[0]["line"] == opened.document.blocks[index].line + line


def test_what_stands_on_a_cell_without_a_result_is_skipped(tmp_path):
    file = written(tmp_path, cell("task", "name: x"), cell("try", "{}"), cell("sql", "select 1"))
    outputs = Opened(file, DataDir(tmp_path / "data")).run()
    assert [output.status for output in outputs.values()] == ["error", "skipped", "skipped"]
    assert outputs["try 1"].summary == "task 1 above has no result (error)"


def test_a_query_that_runs_is_interrupted(tmp_path):
    endless = "select count(*) from range(100000000) a, range(100000000) b"
    opened = Opened(
        written(tmp_path, cell("sql", endless), cell("sql", "select 1")), prepared(tmp_path)
    )
    outputs = {}
    run = threading.Thread(target=lambda: outputs.update(opened.run()))
    run.start()
    # It is asked again until it ends: a query that has not yet begun cannot hear it.
    wait_until(lambda: bool(opened.told))
    wait_until(lambda: opened.interruption.ask() or not run.is_alive())
    run.join()
    assert {label: output.status for label, output in outputs.items()} == {"sql 1": "interrupted"}


def test_a_synthesis_that_runs_is_interrupted_and_leaves_no_version(tmp_path):
    data_dir = prepared(tmp_path)
    file = written(tmp_path, TASK_CELL, EXAMPLES_CELL, cell("synthesize"))
    opened = Opened(file, data_dir)
    outputs = {}
    run = threading.Thread(target=lambda: outputs.update(opened.run()))
    run.start()
    wait_until(lambda: any(told.label == "synthesize 1" for told in opened.told))
    opened.interruption.ask()
    run.join()
    assert outputs["synthesize 1"].status == "interrupted"
    assert ArtifactStore(data_dir).versions("spam-detection") == [1]
    assert sorted(p.name for p in data_dir.artifacts("spam-detection").iterdir()) == [
        "active",
        "history.jsonl",
        "v1",
    ]


def test_progress_tells_each_cell_and_the_time_left(tmp_path):
    opened = Opened(written(tmp_path, TASK_CELL, cell("try", '{"text": "a"}')), prepared(tmp_path))
    opened.run()
    steps = [(told.what, told.number, told.total) for told in opened.told if told.what != "says"]
    assert steps == [("begins", 1, 2), ("done", 1, 2), ("begins", 2, 2), ("done", 2, 2)]
    assert opened.told[0].left is not None
    assert opened.told[-1].left == 0


def test_a_first_run_tells_the_time_left_by_how_many_inputs_are_done(tmp_path):
    inputs = "\n".join(f'{{"text": "offer {number}"}}' for number in range(60))
    opened = Opened(written(tmp_path, TASK_CELL, cell("try", inputs)), prepared(tmp_path))
    opened.run()
    said = [step for step in opened.told if step.what == "says"]
    assert [step.message for step in said] == ["20 of 60 inputs", "40 of 60 inputs"]
    assert all(step.left is not None for step in said)
    assert said[1].left == pytest.approx(said[1].elapsed / 2)


def test_a_synthesis_tells_its_share_once_a_strategy_has_been_judged_and_none_with_a_model():
    done = DoneShare(["rule", "ml"])
    seen = []
    for line in (
        "   3.2 s  run: 3 begins",
        "   3.3 s  rule: weighing 848 conditions (fold 1 of 3)",
        "   4.0 s  rule: judging point score (fold 1 of 3)",
        "   9.0 s  rule: learning the point score (from all examples)",
        "  10.0 s  rule: 87.5% of 160 right",
        "  12.0 s  ml: not used: too few examples",
        "  12.0 s  qwen3: code, call 1 of 60",
    ):
        done.hear(*told(line))
        seen.append(done.share)
    assert seen[:2] == [None, None]
    assert seen[-1] is None
    assert seen[2:6] == sorted(seen[2:6])
    assert seen[5] == pytest.approx(1.0)
