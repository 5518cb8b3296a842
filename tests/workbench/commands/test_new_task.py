"""Tables that people have become tasks; what no example can hold is named, and nothing is left."""

import pytest
from click.testing import CliRunner

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.tasks import load_task, write_task
from workbench.commands.task import command
from workbench.new_task import from_rows


def read(tmp_path, content, name="table.csv"):
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return from_rows("table", "", file, "label")


def loopai(data_dir, *given):
    done = CliRunner().invoke(command, [*given, "--data-dir", str(data_dir.root)])
    assert done.exception is None, done.exception
    return done


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("size,label\n1,a\nNaN,b\n", "row 2, column 'size': nan is no number"),
        ("size,label\n1,a\n-inf,b\n", "-inf is no number"),
        (b"text,label\na\x00b,a\nc,b\n", "row 1, column 'text': holds a NUL"),
        ("text,label\n", "holds no rows"),
        ("", "holds no rows"),
        ("text,label\na,b\nc,d,e\nf\n", "all its rows as long"),
        ("text,label\n" + "x" * 3_000_000 + ",a\n", "line size"),
        ("text,label\n" + "x" * 1_500_000 + ",a\n", "at most 1,000,000"),
        ("text,label\ncaf\u00e9,a\n".encode("latin-1"), "not utf-8"),
        ("text,label\na,b\n".encode("utf-16"), "not utf-8"),
        ("text,other\na,b\n", "has no column 'label'. Columns: text, other."),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_place(tmp_path, content, says):
    with pytest.raises(InvalidInputError, match=r"table\.csv") as caught:
        read(tmp_path, content)
    assert says in str(caught.value)


def test_nothing_is_left_of_a_table_that_is_refused(tmp_path):
    (tmp_path / "table.csv").write_bytes(b"text,label\na\x00b,a\nc,b\n")
    root = tmp_path / "data"
    given = ["new", "t", "--from", str(tmp_path / "table.csv"), "--output", "label"]
    done = CliRunner().invoke(command, [*given, "--data-dir", str(root)])
    assert isinstance(done.exception, InvalidInputError)
    assert not (root / "tasks").exists()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_usual_separators_and_any_script_are_read(tmp_path, mark):
    rows = [("שם", "label"), ("שלום 01", "כן"), ("naïve\u202e", "לא")]
    task = read(tmp_path, "".join(mark.join(row) + "\n" for row in rows))
    write_task(DataDir(tmp_path), task)
    kept = load_task(DataDir(tmp_path), "table").examples
    assert [(example.input["שם"], example.output) for example in kept] == rows[1:]


def test_cells_stay_as_written_unless_a_column_is_numbers_or_truth_values(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text(
        "zip;amount;paid;ordered;answer\n"
        "01234;1.234,50;true;2026-01-02;yes\n"
        "99999;3;false;03.02.2026;no\n"
        "10115;;TRUE;04.02.2026;no\n"
    )
    data_dir = DataDir(tmp_path / "data")
    done = loopai(data_dir, "new", "orders", "--from", str(file), "--output", "answer")
    assert "amount: A number; orders.csv has it with a decimal comma." in done.output
    read = [(dict(each.input), each.output) for each in load_task(data_dir, "orders").examples]
    assert read == [
        ({"zip": "01234", "amount": 1234.5, "paid": True, "ordered": "2026-01-02"}, "yes"),
        ({"zip": "99999", "amount": 3.0, "paid": False, "ordered": "03.02.2026"}, "no"),
        ({"zip": "10115", "paid": True, "ordered": "04.02.2026"}, "no"),
    ]


def test_a_comma_between_cells_is_no_decimal_comma(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text('amount,answer\n"1,234",a\n"5,678",b\n"9,012",b\n')
    data_dir = DataDir(tmp_path / "data")
    loopai(data_dir, "new", "orders", "--from", str(file), "--output", "answer")
    examples = load_task(data_dir, "orders").examples
    assert [each.input["amount"] for each in examples] == ["1,234", "5,678", "9,012"]


def test_a_column_that_counts_the_rows_is_named(tmp_path):
    file = tmp_path / "orders.csv"
    rows = [f"{number},{number % 7},{'big' if number % 7 > 3 else 'small'}" for number in range(40)]
    file.write_text("\n".join(["id,size,answer", *rows]))
    data_dir = DataDir(tmp_path / "data")
    loopai(data_dir, "new", "orders", "--from", str(file), "--output", "answer")
    done = loopai(data_dir, "check", "orders")
    assert "id only counts the examples up" in done.output


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ("a|n|answer\n1,234|2.5|x\n2,345|3.5|y\n1,000|4.5|y\n", ["1,234", "2,345", "1,000"]),
        ("a;n;answer\n1,234;2;x\n12,500;3;y\n1,000;4;y\n", ["1,234", "12,500", "1,000"]),
        ("a;n;answer\n1.234;0,5;x\n980;1;y\n12.500;2,25;y\n", [1234, 980, 12500]),
    ],
    ids=["points-elsewhere", "either", "points-between-thousands"],
)
def test_commas_are_decimal_only_where_that_is_sure(tmp_path, content, read):
    file = tmp_path / "orders.csv"
    file.write_text(content)
    data_dir = DataDir(tmp_path / "data")
    loopai(data_dir, "new", "orders", "--from", str(file), "--output", "answer")
    assert [each.input["a"] for each in load_task(data_dir, "orders").examples] == read
