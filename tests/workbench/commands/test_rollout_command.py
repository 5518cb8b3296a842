"""`loopai promote --staged` and `loopai rollout`, as an operator runs them."""

from __future__ import annotations

import json
import sys

import pytest
from support import TASK, add_version, make_task, promote

from runtime.artifacts import ArtifactStore
from runtime.clock import utc_now
from runtime.command_line import run
from runtime.data_dir import DataDir
from runtime.rollout.document import change_rollout, find_rollout
from runtime.rollout.judgement import Judgement
from runtime.rollout.transitions import take_judgement
from workbench.cli import group

BAD = "import os\n\ndef run(input_data):\n    return os.getcwd()\n"


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    task = make_task(data_dir)
    promote(data_dir, task)
    add_version(data_dir, task)
    return data_dir


@pytest.fixture
def loopai(data_dir, monkeypatch, capsys):
    def call(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["loopai", *arguments, "--data-dir", str(data_dir.root)])
        with pytest.raises(SystemExit) as ended:
            run(group)
        said, complained = capsys.readouterr()
        assert ended.value.code == code, said + complained
        return complained if code else said

    return call


def test_a_staged_promotion_is_begun_shown_changed_and_ended(loopai, data_dir):
    said = loopai("promote", TASK, "v2", "--staged", "--reason", "Fewer mistakes.")
    assert "v2 of spam-detection gets 10 % of callers" in said
    shown = loopai("rollout", "show", TASK)
    assert "● 10 % ── ○ 50 % ── ○ 100 %" in shown
    assert "Fewer mistakes." in shown
    assert "paused" in loopai("rollout", "pause", TASK, "--reason", "It is Friday.")
    assert "v2 gets 50 %" in loopai("rollout", "skip", TASK)
    loopai("rollout", "abort", TASK, "--reason", "Complaints.")
    shown = json.loads(loopai("rollout", "show", TASK, "--json"))
    assert shown["state"] == "aborted"
    reasons = [step["reason"] for step in shown["history"]]
    assert reasons == [
        "Fewer mistakes.",
        "It is Friday.",
        "The stage was skipped by hand.",
        "Complaints.",
    ]
    again = json.loads(loopai("rollout", "retry", TASK, "--json"))
    assert (again["state"], again["percent"]) == ("running", 10)
    assert again["id"] != shown["id"]
    assert "aborted" in loopai("rollout", "show", TASK, "--past")
    assert "running" in loopai("rollout", "list")


def test_what_the_evidence_said_is_drawn(loopai, data_dir):
    loopai("promote", TASK, "v2", "--staged")
    metric = {
        "candidate": 0.04,
        "baseline": 0.02,
        "values": {"candidate": 900, "baseline": 8000},
        "difference": {"lower": 0.005, "upper": 0.05},
        "tolerance": 0.0,
        "margin": 0.02,
    }
    figures = {
        "executions": {"candidate": 900, "baseline": 8000},
        "p99_ms": {"candidate": 2.0, "baseline": None},
        "slow_limit_ms": 3.0,
        "metrics": {"errors": metric},
    }
    judgement = Judgement("worse", "The candidate is worse: errors.", figures)
    change_rollout(data_dir, TASK, lambda known: take_judgement(known, judgement, utc_now()))
    shown = loopai("rollout", "show", TASK)
    assert "rolled back" in shown
    assert "✗ 10 %" in shown
    line = next(line for line in shown.splitlines() if line.startswith("errors"))
    assert "2.00%" in line and "4.00%" in line and "+0.5 to +5" in line
    assert "│" in line and "━━┿━━" in line, "it lies right of nothing, over the margin"


def test_promoting_or_rolling_back_at_once_ends_a_rollout(loopai, data_dir):
    loopai("promote", TASK, "v2", "--staged")
    assert "is at v1 for everyone; its rollout has ended" in loopai("rollback", TASK)
    assert find_rollout(data_dir, TASK).state == "superseded"
    loopai("promote", TASK, "v2", "--staged")
    assert "now serves v2" in loopai("promote", TASK, "v2")
    assert find_rollout(data_dir, TASK).reason == "v2 was promoted by hand."
    assert ArtifactStore(data_dir).active(TASK) == 2


def test_what_cannot_be_rolled_out_is_refused_with_what_to_do(loopai, data_dir):
    add_version(data_dir, make_task(data_dir), BAD)
    assert "may not run" in loopai("promote", TASK, "v3", "--staged", code=2)
    assert "serves v1 already" in loopai("promote", TASK, "v1", "--staged", code=2)
    assert "has no version v9" in loopai("promote", TASK, "v9", "--staged", code=2)
    assert "has no rollout" in loopai("rollout", "show", TASK, code=2)
    assert "No version was promoted in stages yet" in loopai("rollout", "list")
    loopai("promote", TASK, "v2", "--staged")
    refused = loopai("promote", TASK, "v2", "--staged", code=2)
    assert "is under way" in refused
    assert "loopai rollout abort" in refused
    data_dir.rollout_file(TASK).write_text('{"v": 1}')
    assert "rollout.json" in loopai("rollout", "show", TASK, code=2)
    assert "now serves v2" in loopai("promote", TASK, "v2"), "a damaged file stands in nobody's way"
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text("rollout:\n  stages: [50, 10, 100]\n")
    refused = loopai("promote", TASK, "v1", "--staged", code=2)
    assert "deployment.yaml:2" in refused
    assert "each stage must be larger" in refused
