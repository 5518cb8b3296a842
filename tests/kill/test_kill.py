"""kill -9 of any process, at any moment, loses nothing that was answered; see `rounds.py`."""

from __future__ import annotations

import os

import pytest

from kill.killing import Killing, folder_with

#: More with LOOPAI_KILL_ROUNDS, or `python -m tests.kill.rounds --rounds 200`.
ROUNDS = int(os.environ.get("LOOPAI_KILL_ROUNDS", "20"))
SEED = 20261122


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_kill_9_of_any_process_at_any_moment_loses_and_doubles_nothing_answered(tmp_path):
    with Killing(folder_with(tmp_path, "process"), SEED) as killing:
        report = killing.run(ROUNDS)
    assert report.violations == []
    assert report.rounds == ROUNDS
    assert report.answered > 30 * ROUNDS
    assert report.logged >= report.answered
    assert sum(report.refused.values()) <= report.answered / 100, report.refused
