"""`loopai suggest`: which inputs to label next, from a file or from the log."""

import json

import pytest
from click.testing import CliRunner
from support import add_version, log_line, make_task

from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from runtime.errors import LoopaiError
from runtime.models import Example
from runtime.tasks import load_task, write_examples
from workbench.commands.suggest import command

# Quite sure where it sees a known word, not at all of anything else.
UNSURE = """
def run(input_data):
    text = input_data["text"].lower()
    if "crash" in text:
        return {}["no such key"]
    if "buy" in text:
        return ("spam", 0.99)
    if "lunch" in text:
        return ("ham", 0.98)
    return ("ham", 0.55)
"""
KNOWN = [("buy gold now", "spam"), ("buy pills", "spam"), ("lunch at noon", "ham")]
POOL = [
    *(f"buy gold number {n}" for n in range(30)),
    *(f"lunch at {n}" for n in range(30)),
    "the parcel is at the door",
    "the parcel is at the gate",
    "your account statement for June",
]


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path)
    examples = [Example(input={"text": text}, output=output) for text, output in KNOWN]
    make_task(data_dir, examples=examples)
    return data_dir


def ask(data_dir, *arguments):
    result = CliRunner().invoke(
        command, ["spam-detection", "--data-dir", str(data_dir.root), "--json", *arguments]
    )
    if result.exception is not None:
        raise result.exception
    return json.loads(result.stdout)


def put(data_dir, texts):
    file = data_dir.task("spam-detection") / "inputs.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


def texts_of(report):
    return [one["input"]["text"] for one in report["suggestions"]]


def test_what_the_program_is_unsure_of_comes_first(data_dir):
    add_version(data_dir, load_task(data_dir, "spam-detection"), UNSURE)
    put(data_dir, POOL)
    report = ask(data_dir, "--count", "3")
    assert report["version"] == 1 and report["unlabelled"] == 63
    assert set(texts_of(report)) >= {"your account statement for June"}
    assert not any("buy" in text or "lunch" in text for text in texts_of(report)[:2])
    assert report["suggestions"][0]["why"].startswith('only 55% sure of "ham"')


def test_inputs_nearly_the_same_are_not_all_picked(data_dir):
    add_version(data_dir, load_task(data_dir, "spam-detection"), UNSURE)
    copies = [f"the parcel is at the door {n}" for n in range(40)]
    put(data_dir, [*copies, "an account statement", "meeting minutes attached"])
    picked = texts_of(ask(data_dir, "--count", "3"))
    assert {"an account statement", "meeting minutes attached"} <= set(picked)


def test_an_input_that_gets_no_answer_is_worth_most(data_dir):
    add_version(data_dir, load_task(data_dir, "spam-detection"), UNSURE)
    put(data_dir, [*POOL, "please crash here"])
    first = ask(data_dir, "--count", "1")["suggestions"][0]
    assert first["input"] == {"text": "please crash here"}
    assert first["output"] is None and first["why"].startswith("no answer (KeyError")


def test_what_is_labelled_already_is_left_out(data_dir):
    put(data_dir, ["BUY  gold now", "something new", "something new"])
    assert texts_of(ask(data_dir)) == ["something new"]


def test_without_a_program_those_least_like_the_examples_come_first(data_dir):
    put(data_dir, ["buy gold now!", "ein Paket steht vor der Haustür"])
    report = ask(data_dir)
    assert report["version"] is None
    assert texts_of(report)[0] == "ein Paket steht vor der Haustür"
    assert report["suggestions"][0]["why"] == "no program yet, unlike the examples"


def test_without_a_file_the_log_is_looked_through(data_dir):
    folder = data_dir.executions("spam-detection")
    folder.mkdir(parents=True)
    lines = [log_line(number, input={"text": f"logged {number}"}) for number in range(5)]
    (folder / "2026-11-22.jsonl").write_bytes(b"".join(line + b"\n" for line in lines) + b'{"to')
    assert list_log_files(folder)
    report = ask(data_dir)
    assert report["from"] == "the log of executions"
    assert sorted(texts_of(report)) == [f"logged {number}" for number in range(5)]


def test_the_file_goes_before_the_log_unless_the_log_is_asked_for(data_dir):
    folder = data_dir.executions("spam-detection")
    folder.mkdir(parents=True)
    (folder / "2026-11-22.jsonl").write_bytes(log_line(1, input={"text": "logged"}) + b"\n")
    put(data_dir, ["from the file"])
    assert texts_of(ask(data_dir)) == ["from the file"]
    assert texts_of(ask(data_dir, "--from", "log")) == ["logged"]


def test_nothing_to_label_is_said_with_where_to_put_inputs(data_dir):
    with pytest.raises(LoopaiError, match=r"no inputs in the log .*inputs\.jsonl"):
        ask(data_dir)
    put(data_dir, ["buy pills"])
    with pytest.raises(LoopaiError, match="is without a label"):
        ask(data_dir)


def test_a_bad_line_is_named(data_dir):
    file = put(data_dir, ["fine"])
    file.write_text(file.read_text() + '{"txt": 1}\n')
    with pytest.raises(LoopaiError, match=r"inputs\.jsonl:2"):
        ask(data_dir)


def test_the_file_it_writes_becomes_examples_once_outputs_are_filled_in(data_dir, tmp_path):
    put(data_dir, POOL)
    file = tmp_path / "to-label.jsonl"
    ask(data_dir, "--count", "2", "--output", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["output"] for line in lines] == [None, None]
    task = load_task(data_dir, "spam-detection")
    labelled = [Example(**{**line, "output": "ham"}) for line in lines]
    write_examples(data_dir.examples_file(task.name), [*task.examples, *labelled])
    assert len(load_task(data_dir, "spam-detection").examples) == 5


def test_it_never_writes_over_the_examples(data_dir):
    put(data_dir, POOL)
    file = data_dir.examples_file("spam-detection")
    with pytest.raises(LoopaiError, match="holds the examples themselves"):
        ask(data_dir, "--output", str(file))


def test_it_writes_nothing_by_itself(data_dir):
    put(data_dir, POOL)
    before = {file: file.read_bytes() for file in data_dir.root.rglob("*") if file.is_file()}
    ask(data_dir)
    assert before == {f: f.read_bytes() for f in data_dir.root.rglob("*") if f.is_file()}


def test_numbers_and_categories_are_told_apart_too(tmp_path):
    data_dir = DataDir(tmp_path)
    known = [({"amount": n, "country": "DE"}, "ham") for n in range(20)]
    make_task(
        data_dir,
        input_schema={"type": "object"},
        examples=[Example(input=data, output=output) for data, output in known],
    )
    file = data_dir.task("spam-detection") / "inputs.jsonl"
    pool = [{"amount": n + 0.5, "country": "DE"} for n in range(20)]
    pool.append({"amount": 900, "country": "DE"})
    file.write_text("".join(json.dumps(data) + "\n" for data in pool))
    report = ask(data_dir, "--count", "1")
    assert report["suggestions"][0]["input"]["amount"] == 900
