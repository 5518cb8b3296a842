"""kill -9 of any process, at any moment, loses nothing that was answered; see `rounds.py`."""

from __future__ import annotations

import os

import pytest

from kill.killing import Killing, folder_with

#: Another number with LOOPAI_KILL_ROUNDS, or `python -m tests.kill.rounds --rounds 1000`.
ROUNDS = int(os.environ.get("LOOPAI_KILL_ROUNDS", "200"))
SEED = 20261122


def test_kill_9_of_any_process_at_any_moment_loses_and_doubles_nothing_answered(tmp_path):
    kill_and_check(tmp_path, rounds=6)


@pytest.mark.thorough
@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_nor_do_two_hundred_kills(tmp_path):
    kill_and_check(tmp_path, ROUNDS)


def kill_and_check(tmp_path, rounds: int) -> None:
    with Killing(folder_with(tmp_path, "process"), SEED) as killing:
        report = killing.run(rounds)
    assert report.violations == []
    assert report.rounds == rounds
    assert report.answered > 30 * rounds
    assert report.logged >= report.answered
    assert sum(report.refused.values()) <= report.answered / 100, report.refused
