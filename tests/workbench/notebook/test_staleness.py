"""What stands on what, what a change makes stale, and outputs kept beside the file."""

from __future__ import annotations

import json

import pytest
from workbench_notebooks import EXAMPLES_CELL, TASK_CELL, Opened, cell, prepared, written

from workbench.notebook.dependencies import dependencies
from workbench.notebook.document import parse_document
from workbench.notebook.editing import insert_cell, replace_body
from workbench.notebook.output import Output
from workbench.notebook.session import KEPT_BEFORE


def standing(*kinds: str) -> list[tuple[int, ...]]:
    text = "".join(f"```{kind}\n```\n" for kind in kinds)
    found = dependencies(parse_document(text, "a.md").blocks)
    return [found[index] for index in range(len(kinds))]


@pytest.mark.parametrize(
    ("kinds", "last"),
    [
        (("task",), ()),
        (("task", "examples"), (0,)),
        (("task", "examples", "examples", "synthesize"), (0, 1, 2)),
        (("task", "examples", "synthesize", "try"), (2,)),
        (("task", "synthesize", "promote", "sql"), (2,)),
        (("task", "examples", "try"), (0, 1)),
        (("task", "synthesize", "expect", "expect", "promote"), (1, 2, 3)),
        (("task", "expect", "promote"), (0, 1)),
        (("task", "synthesize", "expect", "synthesize", "expect", "promote"), (3, 4)),
        (("task", "synthesize", "synthesize", "compare"), (1, 2)),
        (("task", "synthesize", "task", "try"), (2,)),
        (("sql",), ()),
    ],
    ids=lambda value: "-".join(map(str, value)) or "nothing",
)
def test_a_cell_stands_on_the_cells_the_rule_names(kinds, last):
    assert standing(*kinds)[-1] == last


def cells_on_a_version(tmp_path) -> Opened:
    file = written(
        tmp_path, TASK_CELL, EXAMPLES_CELL, cell("try", '{"text": "a"}'), cell("promote", "v1")
    )
    opened = Opened(file, prepared(tmp_path))
    opened.run()
    return opened


def test_after_a_run_nothing_is_stale_and_another_session_knows_it(tmp_path):
    opened = cells_on_a_version(tmp_path)
    assert opened.stale() == []
    assert Opened(opened.document.file, opened.data_dir).stale() == []


def test_a_change_makes_stale_what_stands_on_it_and_undoing_it_makes_it_fresh(tmp_path):
    opened = cells_on_a_version(tmp_path)
    before = opened.document
    examples = before.find("examples 1")
    body = before.blocks[examples].body + '{"input": {"text": "new"}, "output": "ham"}\n'
    opened.document = replace_body(before, examples, body)
    assert opened.freshness() == {
        "task 1": "fresh",
        "examples 1": "stale",
        "try 1": "stale",
        "promote 1": "fresh",
    }
    opened.document = before
    assert opened.stale() == []


def test_words_between_cells_make_nothing_stale(tmp_path):
    opened = cells_on_a_version(tmp_path)
    opened.document = insert_cell(opened.document, 0, "prose", "More words.\n\n")
    assert opened.stale() == []


def test_running_a_cell_runs_what_it_needs_first(tmp_path):
    file = written(tmp_path, TASK_CELL, EXAMPLES_CELL, cell("sql", "select 1"), cell("try", "{}"))
    opened = Opened(file, prepared(tmp_path))
    wanted = opened.engine.with_what_it_needs(opened.document.find("try 1"))
    labels = [opened.document.blocks[index].label for index in wanted]
    assert labels == ["task 1", "examples 1", "try 1"]


def test_a_file_that_a_cell_names_counts_as_part_of_it(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"input": {"text": "a"}, "output": "ham"}\n')
    file = written(tmp_path, TASK_CELL, cell("examples", "file: rows.jsonl"))
    opened = Opened(file, prepared(tmp_path))
    opened.run()
    assert opened.stale() == []
    rows.write_text('{"input": {"text": "abc"}, "output": "ham"}\n')
    assert opened.stale() == ["examples 1"]


def test_what_was_removed_from_the_data_directory_is_stale(tmp_path):
    opened = cells_on_a_version(tmp_path)
    opened.data_dir.task_file("spam-detection").unlink()
    assert "task 1" in opened.stale()


def test_git_is_told_to_leave_the_session_alone(tmp_path):
    opened = cells_on_a_version(tmp_path)
    assert (tmp_path / ".loopai" / ".gitignore").read_text() == "*\n"
    assert opened.session.path == tmp_path / ".loopai" / "a.notebook.md.session.json"
    assert json.loads(opened.session.path.read_bytes())["v"] == 1


def test_a_damaged_session_is_an_empty_one(tmp_path):
    opened = cells_on_a_version(tmp_path)
    for damage in (b"", b"{", b"[]", b'{"v":1,"outputs":[{}]}', b"\xff"):
        opened.session.path.write_bytes(damage)
        assert len(Opened(opened.document.file, opened.data_dir).stale()) == 4


def test_a_session_of_a_later_release_stays_and_ours_is_kept_beside_it(tmp_path):
    opened = cells_on_a_version(tmp_path)
    theirs, file = opened.session.path, opened.document.file
    theirs.write_bytes(b'{"v": 2, "outputs": {"of another": "shape"}}')
    before = theirs.read_bytes()
    again = Opened(file, opened.data_dir)
    assert len(again.stale()) == 4
    again.run()
    assert theirs.read_bytes() == before
    assert Opened(file, opened.data_dir).stale() == []


def test_old_outputs_are_pruned_and_those_that_are_shown_are_kept(tmp_path):
    opened = cells_on_a_version(tmp_path)
    for number in range(KEPT_BEFORE + 15):
        opened.session.put(Output("sql 9", "sql", "ok", "", key=f"old {number}"))
    opened.session.save(opened.document, opened.data_dir)
    kept = json.loads(opened.session.path.read_bytes())["outputs"]
    assert len(kept) == KEPT_BEFORE + 4
    assert kept[-1]["key"] == f"old {KEPT_BEFORE + 14}"
    assert opened.stale() == []
