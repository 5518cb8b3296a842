"""What an oracle is: something that knows, or claims to know, the right answer to an input.

Only the interface; each oracle is a module of its own, installed ones come through the entry
point group `loopai.oracles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.models import OracleChoice, TaskSpecification
from runtime.steward.samples import Sample


class OracleError(Exception):
    """An oracle could not answer this input now; it is asked again later, a few times.

    Says why in one sentence.
    """


class OracleUnavailableError(OracleError):
    """An oracle cannot be asked anything now: that is no fault of the input."""


@dataclass(frozen=True, slots=True)
class OracleAnswer:
    """What an oracle says the output should be, and what it cost in `prices.currency`."""

    output: Any
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class OracleContext:
    """What an oracle is made from: `maker(context)`."""

    data_dir: DataDir
    config: DeploymentConfig
    task: TaskSpecification
    choice: OracleChoice


class Oracle(Protocol):
    """One source of right answers. Called from one thread, with a deadline."""

    #: Whether its calls count against the daily budget.
    metered: bool

    def answer(self, sample: Sample) -> OracleAnswer | None:
        """The right output; None when it does not know this input, so the next one is asked.

        Raises OracleError (or anything else) when it cannot answer now.
        """

    def news(self) -> object:
        """Changes when it may know more than before, such as a file's modification time."""

    def close(self) -> None:
        """End what it runs."""
