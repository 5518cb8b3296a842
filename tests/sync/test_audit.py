"""The chain of what left: any change to it is noticed, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.audit import AuditLog


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    audit = AuditLog(tmp_path / "state" / "sent.jsonl")
    for number in range(5):
        audit.append("telemetry", bytes=100 + number, digest="ab" * 32)
    return audit


def test_an_untouched_chain_holds(audit: AuditLog) -> None:
    verified = audit.verify()
    assert (verified.entries, verified.problem) == (5, None)
    assert [entry["sequence"] for entry in audit.entries()] == [1, 2, 3, 4, 5]
    assert AuditLog(audit.file.with_name("none")).verify().entries == 0


@given(line=st.integers(0, 4), at=st.integers(0, 200), new=st.integers(32, 126))
def test_a_changed_byte_is_found_in_its_line(
    tmp_path_factory: pytest.TempPathFactory, line: int, at: int, new: int
) -> None:
    audit = AuditLog(tmp_path_factory.mktemp("audit") / "sent.jsonl")
    for number in range(5):
        audit.append("telemetry", bytes=number)
    lines = audit.file.read_bytes().splitlines(keepends=True)
    at %= len(lines[line]) - 1
    changed = lines[line][:at] + bytes([new]) + lines[line][at + 1 :]
    if changed == lines[line]:
        return
    audit.file.write_bytes(b"".join([*lines[:line], changed, *lines[line + 1 :]]))
    problem = audit.verify().problem
    assert problem is not None
    assert problem.line == line + 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines[:2] + lines[3:], 3),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: lines[1:], 1),
    ],
    ids=["one is taken out", "two are swapped", "one is doubled", "the first is gone"],
)
def test_entries_cannot_be_moved(audit: AuditLog, change, line: int) -> None:  # type: ignore[no-untyped-def]
    lines = audit.file.read_bytes().splitlines(keepends=True)
    audit.file.write_bytes(b"".join(change(lines)))
    problem = audit.verify().problem
    assert problem is not None
    assert problem.line == line


def test_a_cut_off_end_is_noticed_by_who_knows_the_last_hash(audit: AuditLog) -> None:
    last = audit.verify().last_hash
    lines = audit.file.read_bytes().splitlines(keepends=True)
    audit.file.write_bytes(b"".join(lines[:3]))
    assert audit.verify().problem is None
    assert audit.verify(last).problem is not None


def test_what_a_crash_tore_is_set_aside_and_the_chain_goes_on(audit: AuditLog) -> None:
    with audit.file.open("ab") as file:
        file.write(json.dumps({"v": 1, "sequence": 6}).encode())
    audit.append("telemetry", bytes=1)
    verified = audit.verify()
    assert (verified.entries, verified.problem) == (6, None)
