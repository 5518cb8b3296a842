"""A notebook file as blocks: every byte is kept, and what is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInputError, NotFoundError
from workbench.notebook.document import (
    PROSE,
    Document,
    parse_document,
    read_document,
    save_document,
)
from workbench.notebook.editing import delete_block, insert_cell, move_block, replace_body
from workbench.notebook.kinds import KINDS

FILE = Path("a.md")
LINES = st.sampled_from(
    [
        "",
        " ",
        "words",
        "# title",
        "- item",
        "> quoted",
        "    indented",
        "\ttab",
        "```",
        "````",
        "~~~",
        "   ```",
        "    ```",
        "```try",
        "```try name=a",
        "```try name='a b' version=v2",
        "```try name='open",
        "~~~~sql limit=3",
        "  ```expect",
        "```python",
        "```sythesize",
        "- ```sql",
        "> ```sql",
        "<div>",
        "<!--",
        "-->",
        "===",
        "---",
        '{"text": "é"}',
        "accuracy >= 0.9",
        "\x0b\x0c\x1c\u2028\x85",
        "\x00",
        "\ufeff",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
MARKDOWN = st.lists(st.tuples(LINES, ENDS), max_size=14).map(
    lambda pairs: "".join(line + end for line, end in pairs)
)
TEXTS = st.builds(
    lambda bom, text, last: bom + text + last, st.sampled_from(["", "\ufeff"]), MARKDOWN, LINES
)
BODIES = st.lists(LINES, max_size=4).map("\n".join)


def parsed(text: str) -> Document:
    return parse_document(text, FILE)


def bodies(document: Document) -> list[str]:
    return [document.blocks[index].body for index in document.cells]


@given(st.binary(max_size=200) | TEXTS.map(str.encode))
def test_every_byte_of_any_file_is_kept(content):
    assert parse_document(content, FILE).content == content


@given(TEXTS)
def test_lines_are_numbered_as_in_the_file(text):
    document = parsed(text)
    line = 1
    for block in document.blocks:
        assert block.line == line
        line += block.source.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@given(TEXTS, BODIES, st.data())
def test_a_new_body_changes_only_its_own_cell(text, body, data):
    document = parsed(text)
    if not document.cells:
        return
    index = data.draw(st.sampled_from(document.cells))
    changed = replace_body(document, index, body)
    assert len(changed.blocks) == len(document.blocks)
    for before, after in zip(document.blocks, changed.blocks, strict=True):
        if before is not document.blocks[index]:
            assert after.source == before.source
    wanted = body if not body or body.endswith("\n") else body + "\n"
    got = changed.blocks[index].body
    assert got == wanted.replace("\r", "\n").replace("\x00", "\ufffd") or got == body


@given(TEXTS, st.data())
def test_a_body_written_as_it_was_changes_nothing(text, data):
    document = parsed(text)
    for index, block in enumerate(document.blocks):
        same = block.body if block.is_cell else block.source
        assert replace_body(document, index, same).content == document.content


@given(TEXTS, st.sampled_from(sorted(KINDS)), BODIES, st.data())
def test_an_added_cell_leaves_all_others_as_they_were(text, kind, body, data):
    document = parsed(text)
    place = data.draw(st.integers(0, len(document.blocks)))
    try:
        changed = insert_cell(document, place, kind, body)
    except InvalidInputError:
        return
    before = sum(block.is_cell for block in document.blocks[:place])
    found = bodies(changed)
    new = found.pop(before)
    assert new == (body + "\n" if body else "").replace("\x00", "\ufffd") or new == body
    for one, other in zip(found, bodies(document), strict=True):
        assert one.rstrip("\n") == other.rstrip("\n")


@given(TEXTS, st.data())
def test_an_added_cell_that_is_deleted_leaves_the_cells_as_they_were(text, data):
    document = parsed(text)
    place = data.draw(st.integers(0, len(document.blocks)))
    try:
        changed = insert_cell(document, place, "sql", "select 1\n")
        index = changed.cells[sum(block.is_cell for block in document.blocks[:place])]
        back = delete_block(changed, index)
    except InvalidInputError:
        return
    assert [b.kind for b in back.blocks if b.is_cell] == [
        b.kind for b in document.blocks if b.is_cell
    ]


@given(TEXTS, st.integers(-2, 2), st.data())
def test_moving_changes_the_order_of_cells_and_nothing_in_them(text, by, data):
    document = parsed(text)
    shown = [i for i, block in enumerate(document.blocks) if block.source.strip()]
    if not shown:
        return
    index = data.draw(st.sampled_from(shown))
    try:
        moved, at = move_block(document, index, by)
    except InvalidInputError:
        return
    assert sorted(b.rstrip("\n") for b in bodies(moved)) == sorted(
        b.rstrip("\n") for b in bodies(document)
    )
    assert moved.blocks[at].kind == document.blocks[index].kind


def test_attributes_indentation_tildes_and_longer_fences_are_read():
    text = "\ufeffHi\r\n\r\n   ~~~~ try name='two words' version=v2\r\n   {}\r\n~~~\r\n~~~~\r\n"
    document = parsed(text)
    (index,) = document.cells
    block = document.blocks[index]
    assert (block.kind, block.label, block.options["version"]) == ("try", "two words", "v2")
    assert (block.line, block.body) == (3, "{}\n~~~\n")
    assert document.text == text


def test_a_body_that_would_close_its_fence_gets_a_longer_one():
    document = parsed("```sql\nselect 1\n```\n\nmore\n")
    changed = replace_body(document, 0, "a\n````\nb")
    assert changed.text == "`````sql\na\n````\nb\n`````\n\nmore\n"
    assert changed.blocks[0].body == "a\n````\nb\n"


def test_moving_a_cell_over_prose_keeps_the_empty_lines_between_them():
    document = parsed("# One\n\n```sql\nselect 1\n```\n\nTwo\n")
    moved, at = move_block(document, 1, 1)
    assert moved.text == "# One\n\n\nTwo\n```sql\nselect 1\n```\n"
    assert moved.blocks[at].kind == "sql"


def test_only_fences_of_our_kinds_outside_of_lists_are_cells():
    document = parsed(
        "```python\n1\n```\n- a\n\n  ```sql\n  select 1\n  ```\n\n> ```sql\n> x\n> ```\n"
    )
    assert document.cells == []
    assert [block.kind for block in document.blocks] == [PROSE]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n```sql\nselect 1\n", 2, "never closed"),
        ("```sythesize\n```\n", 1, "Did you mean synthesize?"),
        ("\n```try name='a\n```\n", 2, "No closing quotation"),
        ("```try colour=red\n```\n", 1, "no option 'colour'"),
        ("```try name=a\n```\n```sql name=a\n```\n", 3, "taken by the cell on line 1"),
        ("fine\n\n\udcff\n", 1, "is not UTF-8"),
    ],
    ids=["unclosed", "misspelt", "quotation", "option", "name", "encoding"],
)
def test_a_broken_file_opens_and_says_what_is_wrong_and_where(text, line, words):
    (problem,) = parsed(text).problems
    assert problem.line == line
    assert words in str(problem)
    assert str(problem).startswith(f"a.md:{line}: ")


def test_a_file_is_saved_as_it_was_read(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes(b"\xef\xbb\xbf# A\r\n\r\n```sql\r\nselect 1\r\n```")
    save_document(read_document(file))
    assert file.read_bytes() == b"\xef\xbb\xbf# A\r\n\r\n```sql\r\nselect 1\r\n```"


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(NotFoundError, match="no such notebook"):
        read_document(tmp_path / "none.md")
