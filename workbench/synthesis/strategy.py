"""The one interface behind which every way of making a program stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runtime.models import Example, TaskSpecification

Progress = Callable[[str], None]


class NotApplicableError(Exception):
    """This strategy has nothing to propose for this task; the message says why, in words."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed program. `source` is the whole of `program.py` without its launcher.

    `strategy` is the name of the one that proposes it, a `Strategy` or an installed one's;
    `label` tells variants of one strategy apart (such as `linear, 400 words`);
    `notes` explains the program in words, a sentence each;
    `dsl` is the rule document the source was compiled from, where there is one;
    `helped_by` names the language model that had a part in it.
    """

    strategy: str
    label: str
    source: str
    notes: tuple[str, ...] = ()
    dsl: str | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    helped_by: str | None = None


class SynthesisStrategy(Protocol):
    """Proposes programs from training examples only; never sees the held-out ones.

    The same task, examples and seed give the same candidates to the byte.
    """

    name: str

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterable[Candidate]:
        """Yield candidates, best guess first.

        Raises NotApplicableError when the strategy cannot serve this kind of task.
        """
        ...
