"""What the engine is handed from above: who describes failures in words and who makes programs.

Only the interface: the hub knows neither, and names a module of theirs.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Result
from runtime.validation.cases import Case

#: A confirmed input and what the program made of it.
Judged = tuple[Case, Result]


class Improver(Protocol):
    """Handed in as `module:class`, made without arguments."""

    def describe(self, failures: Sequence[Judged], successes: Sequence[Judged]) -> list[str]:
        """What failures have in common, each in one sentence, the most telling first."""

    def make(
        self, data_dir: DataDir, task: TaskSpecification, seed: int, strategies: tuple[str, ...]
    ) -> int:
        """Store a new version made from the task's examples; returns its number.

        Raises LoopaiError where none can be made.
        """


def load_improver(reference: str) -> Improver:
    """The improver at `module:class`. Raises InvalidInputError."""
    module, _, name = reference.partition(":")
    try:
        made: Improver = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInputError(
            Problem(
                f"the improver {reference!r} cannot be loaded: {error}.",
                remedy="Install the workbench: pip install 'loopai-workbench[all]'.",
            )
        ) from None
    return made
