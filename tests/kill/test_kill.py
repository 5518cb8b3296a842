"""kill -9 of any process, at any moment, loses nothing that was answered; see `rounds.py`."""

from __future__ import annotations

import base64
import hmac
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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


@pytest.mark.thorough
@pytest.mark.parametrize("durability", ["process", "disk"])
def test_kill_9_loses_and_doubles_nothing_answered_of_an_encrypted_log(tmp_path, durability):
    secret = os.urandom(32)
    key = tmp_path / "log.key"
    key.write_text(base64.b64encode(secret).decode())

    def opened(file: Path, offset: int, line: bytes) -> bytes:
        """By what the format says, and by none of the code that is tested."""
        scope = f"lines of spam-detection/executions/{file.name}"
        derived = hmac.digest(secret, b"loopai at rest 1\0" + scope.encode(), "sha256")
        assert line.startswith(b"~1")
        packed = base64.b64decode(line[10:], validate=True)
        return AESGCM(derived).decrypt(packed[:12], packed[12:], str(offset).encode())

    with Killing(folder_with(tmp_path, durability, key), SEED, opened) as killing:
        report = killing.run(ROUNDS // 2)
    assert report.violations == []
    assert report.logged >= report.answered > 0
