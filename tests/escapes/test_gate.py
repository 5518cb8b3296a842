"""Each known way out of a Python sandbox is refused by the gate, or leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.sandbox import Limits, Sandbox, check_source

from .corpus import Attack, meets, read_attacks

ATTACKS = read_attacks("cases")
#: Every advisory on RestrictedPython so far: stack frames, formats, AttributeError.obj, except*,
#: positional-only parameters, string.Formatter.
ADVISORIES = (
    "CVE-2023-37271",
    "CVE-2023-41039",
    "CVE-2024-47532",
    "CVE-2025-22153",
    "CVE-2026-55830",
    "CVE-2026-76825",
)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Sandbox]:
    with Sandbox(Limits(timeout_ms=150, memory_mb=64, load_timeout_ms=300)) as started:
        yield started


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    with Sandbox(Limits(timeout_ms=10_000, memory_mb=64)) as started:
        yield started


def test_the_corpus_is_whole() -> None:
    assert len(ATTACKS) >= 300
    assert len({str(attack) for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_each_advisory_on_restricted_python_has_its_cases(advisory: str) -> None:
    assert any(attack.name.startswith(advisory) for attack in ATTACKS)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.refused is not None], ids=str)
def test_an_attack_is_refused_with_its_reason(attack: Attack) -> None:
    refusals = check_source(attack.source)
    assert refusals
    assert all(r.line >= 1 and r.column >= 1 for r in refusals)
    assert any(attack.refused in str(refusal) for refusal in refusals), refusals


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.refused is None], ids=str)
def test_an_attack_that_is_let_in_leads_nowhere(
    hasty: Sandbox, patient: Sandbox, attack: Attack
) -> None:
    sandbox = hasty if attack.may_time_out else patient
    result = sandbox.run(sandbox.load(attack.source), [{}])[0]
    assert any(meets(result, expectation) for expectation in attack.expectations), result
