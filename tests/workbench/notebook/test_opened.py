"""An open notebook: undo, saving, and text a crash would have lost."""

from __future__ import annotations

import pytest

from workbench.notebook.editing import replace_body
from workbench.notebook.opened import ChangedOnDiskError, OpenedNotebook

TEXT = "# A\n\n```sql\nselect 1\n```\n"


@pytest.fixture
def opened(tmp_path) -> OpenedNotebook:
    file = tmp_path / "a.md"
    file.write_text(TEXT)
    return OpenedNotebook(file)


def edit(opened: OpenedNotebook, body: str) -> None:
    opened.change(replace_body(opened.document, 1, body))


def test_undo_and_redo_walk_through_the_changes(opened):
    edit(opened, "select 2")
    edit(opened, "select 3")
    assert opened.undo()
    assert "select 2" in opened.document.text
    assert opened.undo()
    assert not opened.undo()
    assert opened.document.text == TEXT
    assert opened.redo()
    assert opened.redo()
    assert not opened.redo()
    assert "select 3" in opened.document.text


def test_a_change_after_an_undo_forgets_what_was_undone(opened):
    edit(opened, "select 2")
    opened.undo()
    edit(opened, "select 4")
    assert not opened.redo()


def test_saving_writes_only_what_is_unsaved(opened):
    assert not opened.save()
    edit(opened, "select 2")
    assert opened.unsaved
    assert opened.save()
    assert not opened.unsaved
    assert opened.file.read_text() == TEXT.replace("1", "2")


def test_unsaved_text_comes_back_after_a_crash_and_undo_shows_the_file(opened):
    edit(opened, "select 2")
    opened.keep()
    after = OpenedNotebook(opened.file)
    assert after.recovered
    assert "select 2" in after.document.text
    assert after.undo()
    assert after.document.text == TEXT


def test_a_draft_that_is_newer_than_the_document_is_kept_too(opened):
    opened.keep(replace_body(opened.document, 1, "select 5"))
    assert "select 5" in OpenedNotebook(opened.file).document.text


def test_saved_text_is_not_recovered_again(opened):
    edit(opened, "select 2")
    opened.keep()
    opened.save()
    assert not OpenedNotebook(opened.file).recovered


def test_unsaved_text_of_a_file_that_has_changed_since_is_not_put_over_it(opened):
    edit(opened, "select 2")
    opened.keep()
    opened.file.write_text("# Written elsewhere\n")
    after = OpenedNotebook(opened.file)
    assert not after.recovered
    assert after.document.text == "# Written elsewhere\n"


def test_what_another_program_wrote_is_not_written_over_unasked(opened):
    edit(opened, "select 2")
    opened.file.write_text("# Written elsewhere\n")
    with pytest.raises(ChangedOnDiskError, match="changed by another program"):
        opened.save()
    assert opened.file.read_text() == "# Written elsewhere\n"
    opened.save(over_changes=True)
    assert "select 2" in opened.file.read_text()


def test_reading_again_takes_the_file_and_undo_comes_back(opened):
    edit(opened, "select 2")
    opened.file.write_text("# Written elsewhere\n")
    opened.read_again()
    assert not opened.unsaved
    assert opened.document.text == "# Written elsewhere\n"
    opened.undo()
    assert "select 2" in opened.document.text
