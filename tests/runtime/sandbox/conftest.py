"""One sandbox for all the tests of a module that do not need their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime.sandbox import Limits, Result, Sandbox

RunSource = Callable[..., Result]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(timeout_ms=10_000, memory_mb=128)) as started:
        yield started


@pytest.fixture
def run_source(sandbox: Sandbox) -> RunSource:
    """Run source on one input (an empty object unless given)."""

    def run(source: str, value: Any = None) -> Result:
        return sandbox.run(sandbox.load(source), [{} if value is None else value])[0]

    return run
