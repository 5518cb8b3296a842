"""Rows cut into parts: every row once, however it is cut, and what is no row is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInputError, NotFoundError
from workbench.replay.parts import plan_parts
from workbench.replay.rows import NOTHING, RowReader

LINES = st.lists(st.text(max_size=20), max_size=30)


def read(parts, **options):
    reader = RowReader(fields=("text",), **options)
    return [row for part in parts for row in reader.read(part)], reader


@given(texts=LINES, part_bytes=st.integers(1, 400), ended=st.booleans())
def test_every_line_is_read_once_however_a_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], part_bytes: int, ended: bool
) -> None:
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = [json.dumps({"input": {"text": text}, "output": len(text)}) for text in texts]
    file.write_text("\n".join(lines) + ("\n" if ended and lines else ""))
    rows, reader = read(plan_parts([str(file)], part_bytes))
    assert [row.input["text"] for row in rows] == texts
    assert [row.recorded for row in rows] == [len(text) for text in texts]
    assert reader.skipped == 0


def test_a_folder_a_pattern_and_a_gzip_file_are_read(tmp_path: Path) -> None:
    line = b'{"input": {"text": "a"}, "output": 1}\n'
    (tmp_path / "one.jsonl").write_bytes(line * 2)
    (tmp_path / "two.jsonl.gz").write_bytes(gzip.compress(line * 3))
    (tmp_path / "notes.txt").write_text("not rows")
    assert len(read(plan_parts([str(tmp_path)]))[0]) == 5
    assert len(read(plan_parts([f"{tmp_path}/*.gz"]))[0]) == 3
    assert len(read(plan_parts([f"{tmp_path}/one.jsonl", f"{tmp_path}/two.jsonl.gz"]))[0]) == 5


def test_parquet_with_a_column_each_and_with_json_text(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = pyarrow.table({"text": ["a", "b", None], "label": ["x", "y", "z"]})
    pyarrow.parquet.write_table(columns, tmp_path / "columns.parquet", row_group_size=1)
    parts = plan_parts([str(tmp_path / "columns.parquet")], part_bytes=1)
    assert len(parts) == 3
    rows, reader = read(parts, answer="label")
    assert [(row.input, row.recorded) for row in rows] == [
        ({"text": "a"}, "x"),
        ({"text": "b"}, "y"),
    ]
    assert reader.skipped == 1 and "has no input" in reader.problems[0]

    texts = pyarrow.table({"input": ['{"text": "a"}', "{broken"], "output": ['"x"', '"y"']})
    pyarrow.parquet.write_table(texts, tmp_path / "texts.parquet")
    rows, reader = read(plan_parts([str(tmp_path / "texts.parquet")]))
    assert [(row.input, row.recorded) for row in rows] == [({"text": "a"}, "x")]
    assert "no JSON in input" in reader.problems[0]


def test_rows_that_cannot_be_used_are_counted_and_told(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"input": {"text": "a"}, "output": "x"}\n[1]\n{"half\n\n{"other": 1}\n'
        '{"input": {"text": "b"}, "output": null, "status": "error"}\n{"text": "c"}\n'
    )
    rows, reader = read(plan_parts([str(file)]))
    assert [row.input["text"] for row in rows] == ["a", "b", "c"]
    assert [row.recorded for row in rows] == ["x", NOTHING, NOTHING]
    assert reader.skipped == 3
    assert "byte 40 is no object" in reader.problems[0]
    assert "byte 44 is not JSON" in reader.problems[1]
    assert "byte 52 has no input" in reader.problems[2]


def test_a_gzip_file_that_was_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    lines = b"".join(b'{"input": {"text": "%d"}, "output": 1}\n' % n for n in range(20_000))
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(lines)[:-2000])
    rows, reader = read(plan_parts([str(tmp_path)]))
    assert len(rows) > 100
    assert reader.skipped == 1 and "last that can be read" in reader.problems[0]


def test_sources_that_are_not_there_or_of_no_kind_are_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    with pytest.raises(NotFoundError, match="no such file"):
        plan_parts([str(tmp_path / "none.jsonl")])
    with pytest.raises(InvalidInputError, match="of no kind"):
        plan_parts([str(tmp_path / "rows.csv")])
    with pytest.raises(NotFoundError, match="no file to read"):
        plan_parts([str(tmp_path)])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        plan_parts([str(tmp_path / "bad.parquet")])
    with pytest.raises(InvalidInputError, match="Protocol not known"):
        plan_parts(["nowhere://x/y.jsonl"])
