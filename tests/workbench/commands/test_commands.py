"""The commands as an operator runs them: real processes, real files, real exit codes."""

import json
import subprocess
import sys

import pytest

SHIRTS = "colour,size,price,verdict\n" + "".join(
    f"{colour},{size},{price},{'keep' if price < 20 else 'return'}\n"
    for colour in ("red", "blue", "green")
    for size in ("s", "m", "l")
    for price in (9.5, 12, 18, 19, 25, 31, 40, 55)
)


@pytest.fixture
def loopai(tmp_path):
    def run(*arguments, code=0, text=None):
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            input=text,
            check=False,
            timeout=150,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def answer(done):
    return json.loads(done.stdout)


def test_help_lists_every_command_without_loading_them(loopai):
    text = loopai("--help").stdout
    for name in (
        "task",
        "synthesize",
        "try",
        "versions",
        "diff",
        "promote",
        "rollback",
        "stats",
        "data",
        "config",
        "demo",
        "export",
        "rules",
    ):
        assert f"  {name}" in text


def test_a_table_becomes_a_task_a_program_and_an_answer(loopai, tmp_path):
    (tmp_path / "shirts.csv").write_text(SHIRTS)
    made = answer(
        loopai("task", "new", "shirts", "--from", "shirts.csv", "--output", "verdict", "--json")
    )
    assert made["examples"] == 72
    result = answer(loopai("synthesize", "shirts", "--strategy", "rule", "--json"))
    assert result["version"] == 1
    assert result["evaluation"]["accuracy"] > 0.95
    loopai("promote", "shirts", "v1")
    tried = answer(loopai("try", "shirts", '{"colour": "red", "size": "s", "price": 11}', "--json"))
    assert tried["output"] == "keep"
    lines = '{"price": 80}\n{"price": 2}\n'
    assert "required" in loopai("try", "shirts", "-", text=lines, code=2).stderr
    listed = answer(loopai("task", "list", "--json"))
    assert listed[0]["active"] == 1 and listed[0]["state"] == "serving"


def test_the_same_seed_gives_the_same_program_to_the_byte(loopai, tmp_path):
    (tmp_path / "shirts.csv").write_text(SHIRTS)
    loopai("task", "new", "shirts", "--from", "shirts.csv", "--output", "verdict")
    for _ in range(2):  # `ml`, which takes longest, has such a test of its own
        loopai("synthesize", "shirts", "--strategy", "rule", "--strategy", "dsl", "--seed", "7")
    artifacts = tmp_path / "loopai-data" / "artifacts" / "shirts"
    assert (artifacts / "v1/program.py").read_bytes() == (artifacts / "v2/program.py").read_bytes()


def test_versions_are_compared_promoted_and_rolled_back(loopai, tmp_path):
    (tmp_path / "shirts.csv").write_text(SHIRTS)
    loopai("task", "new", "shirts", "--from", "shirts.csv", "--output", "verdict")
    loopai("synthesize", "shirts", "--strategy", "rule", "--promote")
    loopai("synthesize", "shirts", "--strategy", "ml")
    loopai("promote", "shirts", "2", "--reason", "faster")
    difference = answer(loopai("diff", "shirts", "v1", "v2", "--json"))
    assert difference["source"].startswith("--- shirts/v1/program.py")
    assert difference["behaviour"]["examples"] == 72
    assert answer(loopai("rollback", "shirts", "--json")) == {
        "task": "shirts",
        "active": 1,
        "before": 2,
    }
    shown = answer(loopai("versions", "shirts", "--json"))
    assert [v["status"] for v in shown["versions"]] == ["active", "deprecated"]
    assert [e["event"] for e in shown["history"]] == ["promoted", "promoted", "rolled_back"]
    first, second = (
        answer(loopai("export", "shirts", "v1", "--output", f"{n}.zip", "--json"))["sha256"]
        for n in (1, 2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("task", "show", "nope"), "no task 'nope'"),
        (("task", "new", "Bad Name"), "lower-case"),
        (("task", "new", "x", "--sample", "nope"), "no sample task"),
        (("task", "new", "x", "--from", "nope.csv", "--output", "y"), "no such file"),
        (("synthesize", "nope"), "no task"),
        (("try", "nope", "{}"), "no task"),
        (("promote", "nope", "v1"), "no version v1"),
        (("promote", "nope", "vv"), "no version; write"),
        (("rollback", "nope"), "no earlier version"),
        (("stats", "nope"), "no task"),
        (("data", "tail", "nope"), "no task"),
        (("data", "query", "select broken"), "cannot be run"),
        (("data", "query", "copy executions to 'x.csv'"), "only one SELECT"),
        (("config", "check", "--file", "nope.yaml"), "no such file"),
        (("nonsense",), "No such command"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(loopai, tmp_path, arguments, says):
    done = loopai(*arguments, code=2)
    assert says in done.stderr
    assert not (tmp_path / "loopai-data").exists()


def test_errors_are_json_on_standard_error_when_json_is_asked_for(loopai):
    done = loopai("task", "show", "nope", "--json", code=2)
    assert "no task" in json.loads(done.stderr)["problems"][0]["message"]
    assert done.stdout == ""


def test_a_faulty_setting_is_named_with_its_line(loopai, tmp_path):
    folder = tmp_path / "loopai-data" / "config"
    folder.mkdir(parents=True)
    (folder / "deployment.yaml").write_text("execution:\n  worker_count: many\n")
    assert "deployment.yaml:2 (execution.worker_count)" in loopai("config", "check", code=2).stderr
    (folder / "deployment.yaml").write_text("execution:\n  worker_count: 2\n")
    assert answer(loopai("config", "show", "--json"))["execution"]["worker_count"] == 2
    assert "properties" in answer(loopai("config", "schema"))


def test_a_template_task_says_what_to_do_next(loopai):
    assert "examples.jsonl" in loopai("task", "new", "mine").stdout
    assert "0 usable examples" in loopai("task", "check", "mine", code=2).stderr


def test_the_examples_can_be_asked_in_sql(loopai):
    loopai("task", "new", "lang", "--sample", "language-detection")
    rows = answer(
        loopai("data", "query", "select output, count(*) n from examples group by 1", "--json")
    )
    assert len(rows) >= 8
    text = loopai("data", "query", "select count(*) n from executions", "--csv").stdout
    assert text.split() == ["n", "0"]
