"""`loopai notebook` from the outside: exit codes, JSON, pages; and that it needs no screen."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import add_version, clean_environment, make_task, promote

from runtime.data_dir import DataDir
from workbench.new_task import sample_names, samples_folder

TASK = """\
```task
name: spam-detection
description: Is this text spam?
input_schema: {type: object, properties: {text: {type: string}}, required: [text]}
output_schema: {enum: [spam, ham]}
```
"""


def loopai(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", "notebook", *map(str, arguments)],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with a data directory whose task serves a program."""
    data_dir = DataDir(tmp_path / "loopai-data")
    task = make_task(data_dir)
    promote(data_dir, task)
    add_version(data_dir, task)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "a.notebook.md"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_new_notebook_runs_as_it_is(tmp_path):
    assert loopai("new", "money", folder=tmp_path).returncode == 0
    again = loopai("new", "money", folder=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    ran = loopai("run", "money.notebook.md", "--json", folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert report["passed"]
    assert [cell["kind"] for cell in report["cells"]] == [
        "task", "examples", "synthesize", "try", "expect", "promote",
    ]  # fmt: skip
    assert "4/6 try 1" in ran.stderr
    assert (tmp_path / "loopai-data" / "artifacts" / "money" / "active").exists()
    assert loopai("run", "money.notebook.md", "--stale", folder=tmp_path).stdout == (
        "Nothing is stale.\n"
    )


def test_an_expectation_that_does_not_hold_exits_with_1(folder):
    file = written(folder, TASK + '```expect\n{"input": {"text": "a"}, "output": "spam"}\n```\n')
    ran = loopai("run", file, folder=folder)
    assert ran.returncode == 1
    assert "0 of 1 expectations hold" in ran.stdout
    assert "2 cells in" in ran.stdout
    assert "1 with expectations that do not hold" in ran.stdout


def test_a_cell_that_cannot_be_run_exits_with_2(folder):
    ran = loopai("run", written(folder, TASK + "```try\nnonsense\n```\n"), folder=folder)
    assert ran.returncode == 2
    assert "a.notebook.md:8: not JSON" in ran.stdout


def test_a_file_whose_form_is_broken_is_not_run(folder):
    file = written(folder, TASK + "```expect\naccuracy > 1\n")
    ran = loopai("run", file, folder=folder)
    assert ran.returncode == 2
    assert "a.notebook.md:7: the expect cell that begins here is never closed" in ran.stderr
    assert loopai("run", written(folder, "# Words\n"), folder=folder).returncode == 2


def test_one_cell_is_run_by_its_name_with_what_it_needs(folder):
    text = TASK + '```try name=one\n{"text": "buy"}\n```\n```sql\nselect 1\n```\n'
    ran = loopai("run", written(folder, text), "--cell", "one", "--json", folder=folder)
    assert [cell["label"] for cell in json.loads(ran.stdout)["cells"]] == ["task 1", "one"]
    wrong = loopai("run", folder / "a.notebook.md", "--cell", "two", folder=folder)
    assert wrong.returncode == 2
    assert "Cells: task 1, one, sql 1." in wrong.stderr


def test_check_names_every_problem_with_its_line_and_runs_nothing(tmp_path):
    file = written(
        tmp_path, "```try\n{}\n```\n" + TASK + "```sythesize\n```\n```synthesize\nseed: x\n```\n"
    )
    checked = loopai("check", file, "--json", folder=tmp_path)
    assert checked.returncode == 1
    (found,) = json.loads(checked.stdout)
    assert [problem["line"] for problem in found["problems"]] == [1, 10, 13]
    assert [cell["label"] for cell in found["cells"]] == ["try 1", "task 1", "synthesize 1"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.notebook.md"]
    assert loopai("check", written(tmp_path, TASK), folder=tmp_path).returncode == 0


def test_the_sample_notebooks_have_nothing_wrong():
    files = [samples_folder() / name / "notebook.md" for name in sample_names()]
    checked = loopai("check", *files, folder=samples_folder())
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["phone-normalisation"])
def test_a_sample_notebook_runs_green(tmp_path, sample):
    folder = samples_folder() / sample
    for name in ("task.yaml", "examples.jsonl", "notebook.md"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    ran = loopai("run", "notebook.md", "--quiet", folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_page_stands_alone_and_shows_data_as_text(folder):
    text = (
        "# <b>Title</b>\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n"
        + TASK
        + '```try\n{"text": "<img src=x onerror=alert(1)> buy"}\n```\n'
        + "```chart\nx: a\ny: b\nsql: select '</script>' as a, 1 as b\n```\n"
    )
    file = written(folder, text)
    assert loopai("run", file, folder=folder).returncode == 0
    made = loopai("export", file, "--json", folder=folder)
    page = Path(json.loads(made.stdout)["file"]).read_text(encoding="utf-8")
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "<script>alert" not in own
    assert "<img" not in own
    assert 'href="javascript' not in own
    assert not re.search(r"""(?:src|href)=["']?https?:""", own)
    assert "default-src 'none'" in own
    assert own.count('<script type="application/json">') == 1


def test_ctrl_c_ends_a_run_with_130_and_a_summary(folder):
    text = TASK + "```sql\nselect count(*) from range(100000000) a, range(100000000) b\n```\n"
    file = written(folder, text)
    with subprocess.Popen(
        [sys.executable, "-m", "workbench", "notebook", "run", str(file), "--quiet"],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "2/2 sql 1" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert "1 interrupted" in process.stdout.read()
        assert process.wait() == 130


def test_a_notebook_runs_without_the_libraries_of_the_screen(folder):
    code = (
        "import sys; from workbench.cli import group; "
        "group.main(['notebook', 'run', 'a.notebook.md'], standalone_mode=False); "
        "sys.exit(any(name.partition('.')[0] == 'textual' for name in sys.modules))"
    )
    written(folder, TASK + '```try\n{"text": "buy"}\n```\n')
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=clean_environment(), timeout=60, check=False
    )
    assert ran.returncode == 0
